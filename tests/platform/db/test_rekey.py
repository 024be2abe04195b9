"""`manage.py rekey`: every value under the first key, whatever happens meanwhile."""

import base64
from collections.abc import Callable, Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from stoa.platform.testing.pausing import fault_at
from stoa.runtime.config import current
from stoa.runtime.field_encryption import Undecryptable
from tests.platform.db.test_encrypted_fields import stored
from tests.probe.models import Secretive

OLD, NEW = (base64.b64encode(bytes((n * 31 + i) % 256 for i in range(32))).decode() for n in (1, 2))
ROWS = 7


@pytest.fixture
def keys() -> Iterator[Callable[[str], None]]:
    """Put other keys in force."""
    chosen = current.loaded()

    def put(keys: str) -> None:
        from pydantic import SecretStr

        changed = chosen.settings.model_copy(update={"field_encryption_keys": SecretStr(keys)})
        current.use(type(chosen)(changed, chosen.origins))

    yield put
    current.use(chosen)


@pytest.fixture
def rows(db: None, keys: Callable[[str], None]) -> list[Secretive]:
    keys(f"old:{OLD}")
    return [Secretive.objects.create(title=str(n), whisper=f"owl {n}", facts=[n]) for n in range(ROWS)]


def rekey(**options: int) -> str:
    out = StringIO()
    call_command("rekey", stdout=out, **options)
    return out.getvalue()


def kids(rows: list[Secretive]) -> list[str]:
    return sorted(text.partition(".")[0] for row in rows for text in stored(row))


@pytest.mark.parametrize("batch", [1, 3, ROWS, 500])
def test_after_it_the_old_key_can_go(rows: list[Secretive], keys: Callable[[str], None], batch: int) -> None:
    keys(f"new:{NEW},old:{OLD}")
    said = rekey(batch=batch)
    assert said.splitlines()[-1].startswith(f"{2 * ROWS} values in ")
    assert "probe_secretive.whisper: 7 written" in said
    keys(f"new:{NEW}")
    assert kids(rows) == ["new"] * 2 * ROWS
    assert [Secretive.objects.get(pk=row.pk).whisper for row in rows] == [f"owl {n}" for n in range(ROWS)]
    before = [stored(row) for row in rows]
    assert rekey().splitlines()[-1].startswith("0 values in ")
    assert [stored(row) for row in rows] == before


class Killed(BaseException):
    """As a SIGKILL: nothing catches it, and its transaction is rolled back."""


def test_killed_in_the_middle_and_run_again(rows: list[Secretive], keys: Callable[[str], None]) -> None:
    keys(f"new:{NEW},old:{OLD}")
    with fault_at("rekey.before_commit", Killed, hit=3), pytest.raises(Killed):
        rekey(batch=2)
    assert kids(rows) == ["new"] * 4 + ["old"] * (2 * ROWS - 4)
    assert all(Secretive.objects.get(pk=row.pk).facts is not None for row in rows)
    assert rekey(batch=2).splitlines()[-1].startswith(f"{2 * ROWS - 4} values in ")
    assert kids(rows) == ["new"] * 2 * ROWS


def test_what_no_key_reads_is_left_and_told(rows: list[Secretive], keys: Callable[[str], None]) -> None:
    lost = stored(rows[0])
    keys(f"new:{NEW}")
    mine = Secretive.objects.create(title="mine", whisper="kept")
    with pytest.raises(CommandError) as refused:
        rekey(batch=2)
    assert "probe_secretive.whisper 7, probe_secretive.facts 7" in str(refused.value)
    assert stored(rows[0]) == lost
    assert Secretive.objects.get(pk=mine.pk).whisper == "kept"
    with pytest.raises(Undecryptable):
        _ = Secretive.objects.get(pk=rows[0].pk).whisper


def test_a_batch_of_none_is_refused(db: None) -> None:
    with pytest.raises(CommandError):
        rekey(batch=0)
