"""Text messages: never in a transaction, one a key, and production does not pretend."""

from collections.abc import Iterator

import pytest

from stoa.platform.db.transactions import OutsideCallInTransaction, transaction
from stoa.platform.sms.client import MemorySms, SmsNotSent, send_sms, sms_in_use
from stoa.runtime.config import current


@pytest.fixture
def unset_in(request: pytest.FixtureRequest) -> Iterator[str]:
    chosen = current.loaded()
    fields = {"environment": request.param, "sms_backend": "auto"}
    current.use(type(chosen)(chosen.settings.model_copy(update=fields), chosen.origins))
    yield request.param
    current.use(chosen)


def test_one_key_is_one_message() -> None:
    box = MemorySms()
    with sms_in_use(box):
        for key in ("a", "a", "b"):
            send_sms(to="+995555000111", text="123456", key=key)
    assert box.sent == {"a": ("+995555000111", "123456"), "b": ("+995555000111", "123456")}


def test_none_leaves_inside_a_transaction_or_through_a_broken_provider(db: None) -> None:
    box = MemorySms()
    with sms_in_use(box):
        with pytest.raises(OutsideCallInTransaction), transaction():
            send_sms(to="+1", text="x", key="a")
        box.broken = True
        with pytest.raises(SmsNotSent):
            send_sms(to="+1", text="x", key="a")
    assert box.sent == {}


@pytest.mark.parametrize("unset_in", ["production"], indirect=True)
def test_production_without_a_provider_says_so(unset_in: str) -> None:
    with pytest.raises(SmsNotSent):
        send_sms(to="+1", text="x", key="a")


@pytest.mark.parametrize("unset_in", ["development"], indirect=True)
def test_a_laptop_shows_it_on_the_console(unset_in: str, capsys: pytest.CaptureFixture[str]) -> None:
    send_sms(to="+1", text="123456", key="a")
    assert capsys.readouterr().err == "SMS to +1: 123456\n"
