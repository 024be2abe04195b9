"""Two who keep a rate, two who exchange under one key: one of them happens, and the other hears of it."""

from datetime import timedelta
from uuid import UUID

import pytest

from stoa.apps.ledger.contracts import EntryView
from stoa.apps.ledger.errors import RateExists
from stoa.apps.ledger.models import Entry, Rate
from stoa.apps.ledger.services.books import system_account
from stoa.apps.ledger.services.rates import add_rate, exchange
from stoa.apps.ledger.tests.factories import AT, Books
from stoa.kit.money import Money
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.testing.pausing import held_at, meeting_at
from stoa.platform.testing.races import repeat_together, run_together

pytestmark = [pytest.mark.race, pytest.mark.usefixtures("committed_db")]


class Bureau:
    def __init__(self) -> None:
        self.books = Books()
        self.euros = system_account(book_id=self.books.id, role="bank", currency="EUR")

    def rate(self, rate: str, days: int = 0) -> UUID:
        at = AT + timedelta(days=days)
        return add_rate(book_id=self.books.id, base="USD", quote="EUR", rate=rate, at=at).id

    def change(self) -> EntryView:
        amount = Money(10_00, "USD")
        return exchange(
            book_id=self.books.id, source_id=self.books["bank"], target_id=self.euros, amount=amount, key="once"
        )


@pytest.fixture
def bureau() -> Bureau:
    return Bureau()


def test_of_four_rates_of_one_instant_one_is_kept(bureau: Bureau) -> None:
    outcomes = repeat_together(4, lambda number: bureau.rate(f"0.9{number}"))
    assert [type(each.error) for each in outcomes if each.error] == [RateExists] * 3
    with tenant_scope(bureau.books.id):
        assert Rate.objects.count() == 1


def test_four_times_one_key_is_one_exchange(bureau: Bureau) -> None:
    bureau.rate("0.9")
    with meeting_at("ledger.exchange_looked", parties=4, timeout_s=5):
        outcomes = repeat_together(4, lambda _: bureau.change())
    assert len({each.result().id for each in outcomes if each.result()}) == 1  # type: ignore[union-attr]
    with tenant_scope(bureau.books.id):
        assert Entry.objects.count() == 1


def test_a_rate_that_changes_between_two_tries_changes_nothing(bureau: Bureau) -> None:
    """The second looked before the first posted, and reads another rate: it is told of the first all the same."""
    bureau.rate("0.9")

    def meanwhile() -> EntryView:
        slow.wait_until_reached()
        first = bureau.change()
        bureau.rate("0.8", days=1)
        slow.release()
        return first

    with held_at("ledger.exchange_looked") as slow:
        outcomes = run_together(bureau.change, meanwhile)
    assert outcomes[0].result() == outcomes[1].result()
    with tenant_scope(bureau.books.id):
        assert Entry.objects.count() == 1
