"""What closes against what is posted: a period, an account, a year. Each lock has a twin without it."""

from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any
from uuid import UUID

import pytest

from stoa.apps.ledger import errors
from stoa.apps.ledger.contracts import Posted
from stoa.apps.ledger.models import Account, Entry, Period
from stoa.apps.ledger.services.accounts import close_account
from stoa.apps.ledger.services.periods import add_period, close_period
from stoa.apps.ledger.services.rules.postgresql import ENTRY_JUDGED, POST
from stoa.apps.ledger.services.year_close import close_year
from stoa.apps.ledger.tests.factories import AT, Books
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.db.transactions import transaction
from stoa.platform.testing.pausing import held_at, skipped_at
from stoa.platform.testing.races import Outcome, run_together
from tests.races.locks import SHARED, balance, faults, holds, without

pytestmark = [pytest.mark.race, pytest.mark.usefixtures("committed_db")]
NO_BOOKS_LOCK = {
    ENTRY_JUDGED: {SHARED.format(book="NEW.book_id"): ""},
    POST: {SHARED.format(book="p_book"): ""},
}
YEAR_END = datetime(2027, 1, 1, tzinfo=UTC)


class Posting:
    """Five from `source` to `to`, under way until it is let go: posted, and not committed."""

    def __init__(self, books: Books, to: Any, source: Any) -> None:
        self.books, self.to, self.source = books, to, source
        self.posted, self.go_on = Event(), Event()

    def run(self) -> Posted:
        with transaction():
            done = self.books.move(self.to, self.source, 5, at=AT)
            self.posted.set()
            assert self.go_on.wait(10)
            return done


def closed_meanwhile(posting: Posting, close: Any, *, waits: bool) -> list[Outcome[Any]]:
    """`close` begins while the posting is under way; with `waits` it ends after it, otherwise before."""
    closed = Event()

    def begin() -> None:
        assert posting.posted.wait(10)
        try:
            close()
        finally:
            closed.set()

    def watch() -> None:
        assert posting.posted.wait(10)
        assert closed.wait(0.5 if waits else 10) is not waits
        posting.go_on.set()
        assert closed.wait(10)

    return run_together(posting.run, begin, watch)


def period_of(books: Books) -> UUID:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    return add_period(book_id=books.id, name="March", starts_at=start, ends_at=start + timedelta(days=31)).id


def test_a_close_waits_for_what_is_under_way_and_what_comes_later_is_refused() -> None:
    books = Books()
    period = period_of(books)
    posting = Posting(books, "cash", "equity")
    outcomes = closed_meanwhile(posting, lambda: close_period(book_id=books.id, period_id=period), waits=True)
    assert [outcome.error for outcome in outcomes] == [None, None, None]
    with pytest.raises(errors.PeriodLocked):
        books.move("cash", "equity", 5, at=AT)
    with tenant_scope(books.id):
        closed_at = Period.objects.get(pk=period).closed_at
        assert [entry.recorded_at < closed_at for entry in Entry.objects.all()] == [True]  # type: ignore[operator]
    holds(books)


def test_its_twin_without_the_books_lock_posts_into_a_closed_period() -> None:
    books = Books()
    period = period_of(books)
    with without(NO_BOOKS_LOCK), held_at("ledger.period_closed") as closing:

        def post_meanwhile() -> None:
            closing.wait_until_reached()
            books.move("cash", "equity", 5, at=AT)  # it is not committed that the period is closed
            closing.release()

        outcomes = run_together(lambda: close_period(book_id=books.id, period_id=period), post_meanwhile)
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert faults(books) == {"closed_period"}


def test_an_account_closes_before_a_posting_or_not_at_all() -> None:
    for _ in range(10):
        books = Books()
        purse = books.account("purse")
        outcomes = run_together(
            lambda: close_account(book_id=books.id, account_id=purse),  # noqa: B023
            lambda: books.move(purse, "cash", 5),  # noqa: B023
        )
        failed = [type(outcome.error) for outcome in outcomes if outcome.error is not None]
        assert failed in ([errors.AccountInUse], [errors.AccountClosed])
        holds(books)


def account_closed_meanwhile(books: Books, purse: UUID, *, waits: bool) -> list[Outcome[Any]]:
    posting = Posting(books, purse, "cash")
    return closed_meanwhile(posting, lambda: close_account(book_id=books.id, account_id=purse), waits=waits)


def seen(books: Books, account: UUID) -> tuple[bool, int]:
    with tenant_scope(books.id):
        return Account.objects.get(pk=account).is_open, balance(books, account)


def test_who_closes_an_account_waits_for_what_is_under_way() -> None:
    books = Books()
    purse = books.account("purse")
    outcomes = account_closed_meanwhile(books, purse, waits=True)
    assert [type(outcome.error) for outcome in outcomes if outcome.error] == [errors.AccountInUse]
    assert seen(books, purse) == (True, 5)
    holds(books)


def test_its_twin_without_the_books_lock_closes_an_account_that_has_money() -> None:
    books = Books()
    purse = books.account("purse")
    with without(NO_BOOKS_LOCK):
        outcomes = account_closed_meanwhile(books, purse, waits=False)
    assert [outcome.error for outcome in outcomes] == [None, None, None]
    assert seen(books, purse) == (False, 5)


def sold(books: Books) -> tuple[int, int]:
    return balance(books, books["sales_revenue"]), balance(books, books["retained_earnings"])


def test_a_year_waits_for_what_is_under_way_and_takes_it_along() -> None:
    books = Books()
    books.move("cash", "sales_revenue", 10)
    posting = Posting(books, "cash", "sales_revenue")
    outcomes = closed_meanwhile(posting, lambda: close_year(book_id=books.id, ends_at=YEAR_END), waits=True)
    assert [outcome.error for outcome in outcomes] == [None, None, None]
    assert sold(books) == (0, 15)
    holds(books)


def test_its_twin_without_the_books_lock_leaves_out_what_is_under_way() -> None:
    books = Books()
    books.move("cash", "sales_revenue", 10)
    posting = Posting(books, "cash", "sales_revenue")
    with skipped_at("ledger.lock_year"), held_at("ledger.year_summed") as closing:

        def close() -> None:
            assert posting.posted.wait(10)
            close_year(book_id=books.id, ends_at=YEAR_END)

        def let_go() -> None:
            closing.wait_until_reached()
            posting.go_on.set()
            closing.release()

        outcomes = run_together(posting.run, close, let_go)
    assert [outcome.error for outcome in outcomes] == [None, None, None]
    assert sold(books) == (5, 10)


def sold_while_a_year_closes(books: Books, *, waits: bool) -> bool:
    """Is the sale recorded before the year's entry, which does not have it?"""
    books.move("cash", "sales_revenue", 10)
    done = Event()
    with held_at("ledger.year_summed") as closing:

        def sell() -> Posted:
            closing.wait_until_reached()
            sale = books.move("cash", "sales_revenue", 5)
            done.set()
            return sale

        def watch() -> None:
            closing.wait_until_reached()
            assert done.wait(0.5 if waits else 10) is not waits
            closing.release()

        closed, sale, watched = run_together(lambda: close_year(book_id=books.id, ends_at=YEAR_END), sell, watch)
    assert watched.error is None
    [entry], made = closed.result() or [], sale.result()
    assert isinstance(made, Posted)
    return made.recorded_at < entry.recorded_at


def test_what_is_posted_while_a_year_closes_comes_after_it() -> None:
    books = Books()
    assert not sold_while_a_year_closes(books, waits=True)
    assert sold(books) == (5, 10)
    holds(books)


def test_its_twin_without_the_books_lock_comes_before_the_year_and_is_not_in_it() -> None:
    books = Books()
    with skipped_at("ledger.lock_year"):
        assert sold_while_a_year_closes(books, waits=False)
    assert sold(books) == (5, 10)
