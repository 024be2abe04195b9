"""A person edits while keys rotate: the edit stays, whichever comes first."""

import base64
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from stoa.platform.db.rekeying import rekey
from stoa.platform.testing.pausing import held_at, skipped_at
from stoa.platform.testing.races import run_together
from stoa.runtime.config import current
from tests.probe.models import Secretive

pytestmark = pytest.mark.race
OLD, NEW = (base64.b64encode(bytes((n * 31 + i) % 256 for i in range(32))).decode() for n in (3, 4))


def put(keys: str) -> None:
    chosen = current.loaded()
    changed = chosen.settings.model_copy(update={"field_encryption_keys": SecretStr(keys)})
    current.use(type(chosen)(changed, chosen.origins))


@pytest.fixture
def row(committed_db: None) -> Iterator[Secretive]:
    before = current.loaded()
    put(f"old:{OLD}")
    Secretive.objects.all().delete()
    row = Secretive.objects.create(title="t", whisper="before")
    put(f"new:{NEW},old:{OLD}")
    yield row
    row.delete()
    current.use(before)


def edited_while_rekeyed(row: Secretive) -> str:
    """Rekey has read the old value when the edit commits; then it writes."""
    with held_at("rekey.read") as hold:

        def edit() -> None:
            hold.wait_until_reached()
            mine = Secretive.objects.get(pk=row.pk)
            mine.whisper = "after"
            mine.save()
            hold.release()

        outcomes = run_together(lambda: rekey(batch=10, tell=lambda line: None), edit)
    assert [one.error for one in outcomes] == [None, None]
    return str(Secretive.objects.get(pk=row.pk).whisper)


def test_an_edit_during_rekey_is_kept(row: Secretive) -> None:
    assert edited_while_rekeyed(row) == "after"


def test_without_the_comparison_rekey_brings_the_old_value_back(row: Secretive) -> None:
    with skipped_at("rekey.compare"):
        assert edited_while_rekeyed(row) == "before"
