"""Postings that meet: hot accounts, opposite directions, one key, a close, a hold. Each lock has a twin without it."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection

from stoa.apps.ledger import errors
from stoa.apps.ledger.contracts import Posted
from stoa.apps.ledger.models import Balance, Entry, Period
from stoa.apps.ledger.services.accounts import close_account
from stoa.apps.ledger.services.holds import hold_funds
from stoa.apps.ledger.services.periods import add_period, close_period
from stoa.apps.ledger.services.posting import post_entry, reverse_entry
from stoa.apps.ledger.services.rules.postgresql import ENTRY_JUDGED, POST
from stoa.apps.ledger.services.sealing import seal_entries
from stoa.apps.ledger.services.verifying import verify_books
from stoa.apps.ledger.tests.factories import AT, Books
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_id, new_uuid
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.models import OutboxEvent
from stoa.platform.testing.databases import url_of_test_database
from stoa.platform.testing.pausing import held_at
from stoa.platform.testing.races import Outcome, repeat_together, run_together

pytestmark = [pytest.mark.race, pytest.mark.usefixtures("committed_db")]
ORDER = "PERFORM 1 FROM ledger_balance WHERE account_id = ANY (p_accounts) ORDER BY account_id FOR NO KEY UPDATE;"
KEY = """PERFORM pg_advisory_xact_lock(wanted.lock)
    FROM (SELECT hashtextextended(p_book::text || each, 6022) AS lock FROM unnest(p_keys) AS each ORDER BY 1) AS wanted;"""
SHARED = "PERFORM pg_advisory_xact_lock_shared(hashtextextended({book}::text, 6021));"


@contextmanager
def without(function: str, *locks: str, instead: str = "") -> Iterator[None]:
    """The function as it is, but for these locks; put back at the end."""
    changed = function
    for lock in locks:
        assert lock in changed
        changed = changed.replace(lock, instead)
    with connection.cursor() as cursor:
        cursor.execute(changed)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(function)


def balance(books: Books, account: Any) -> int:
    with tenant_scope(books.id):
        return Balance.objects.get(pk=account).posted_minor


def count(books: Books) -> int:
    with tenant_scope(books.id):
        return Entry.objects.count()


def holds(books: Books) -> None:
    seal_entries()
    assert verify_books(book_id=books.id).faults == ()


def ring(books: Books, accounts: list[Any], number: int, times: int) -> int:
    """Around the ring, every second contender the other way; the sum of what it posted to the first account."""
    chance, total = random.Random(number), 0
    for _ in range(times):
        here = chance.randrange(len(accounts))
        there = (here + (1 if number % 2 else -1)) % len(accounts)
        amount = chance.randrange(1, 100)
        books.move(accounts[there], accounts[here], amount)
        total += amount * ((there == 0) - (here == 0))
    return total


@pytest.mark.parametrize("accounts", [2, 4])
def test_eight_clients_in_both_directions_lose_nothing_and_never_deadlock(accounts: int) -> None:
    books = Books()
    ours = [books.account(f"A{number}") for number in range(accounts)]
    outcomes = repeat_together(8, lambda number: ring(books, ours, number, 40))
    moved = [outcome.result() for outcome in outcomes]
    assert (count(books), balance(books, ours[0])) == (320, sum(each or 0 for each in moved))
    assert sum(balance(books, each) for each in ours) == 0
    holds(books)


def opposite(books: Books, first: Any, second: Any) -> list[Outcome[Posted]]:
    return run_together(
        lambda: books.move(first, second, 5),
        lambda: books.move(second, first, 5),
    )


def test_its_twin_that_locks_as_it_is_asked_deadlocks() -> None:
    books = Books()
    first, second = books.account("A"), books.account("B")
    # Each account by itself, in the order of the lines, with a moment between.
    as_asked = """DECLARE one uuid; BEGIN FOREACH one IN ARRAY p_accounts LOOP
        PERFORM 1 FROM ledger_balance WHERE account_id = one FOR NO KEY UPDATE; PERFORM pg_sleep(0.2);
      END LOOP; END;"""
    with without(POST, ORDER, instead=as_asked):
        outcomes = opposite(books, first, second)
    failed = [outcome.error for outcome in outcomes if outcome.error is not None]
    assert [type(each) for each in failed] == [OperationalError]
    assert "deadlock" in str(failed[0])
    assert all(outcome.error is None for outcome in opposite(books, first, second))


def test_sixteen_times_one_key_is_one_entry() -> None:
    books = Books()
    draft = books.draft(books.between(books["cash"], books["equity"], 5), key="once")
    before = OutboxEvent.objects.filter(name="ledger.entry_posted").count()
    posted = [outcome.result() for outcome in repeat_together(16, lambda _: post_entry(draft=draft))]
    assert len({each.entry_id for each in posted if each}) == 1
    assert sum(each.is_new for each in posted if each) == 1
    assert (count(books), balance(books, books["cash"])) == (1, 5)
    assert OutboxEvent.objects.filter(name="ledger.entry_posted").count() == before + 1
    holds(books)


def test_its_twin_without_the_keys_lock_runs_into_the_constraint() -> None:
    books = Books()
    draft = books.draft(books.between(books["cash"], books["equity"], 5), key="once")
    # A moment between the look for the key and the entry: whoever looks meanwhile finds nothing.
    with without(POST, KEY), without(POST.replace(KEY, ""), ORDER, instead=f"PERFORM pg_sleep(0.3); {ORDER}"):
        outcomes = repeat_together(4, lambda _: post_entry(draft=draft))
    with connection.cursor() as cursor:
        cursor.execute(POST)
    failed = [outcome.error for outcome in outcomes if outcome.error is not None]
    assert [type(each) for each in failed] == [IntegrityError] * 3
    assert all("ledger_entry_key" in str(each) for each in failed)
    assert (count(books), balance(books, books["cash"])) == (1, 5)


def period_of(books: Books) -> Any:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    return add_period(book_id=books.id, name="March", starts_at=start, ends_at=start + timedelta(days=31)).id


def slow_posting(books: Books, posted: threading.Event, go_on: threading.Event) -> Posted:
    with transaction():
        done = books.move("cash", "equity", 5, at=AT)
        posted.set()
        assert go_on.wait(10)
        return done


def test_a_close_waits_for_what_is_under_way_and_what_comes_later_is_refused() -> None:
    books = Books()
    period, posted, go_on, closed = period_of(books), threading.Event(), threading.Event(), threading.Event()

    def close() -> None:
        assert posted.wait(10)
        close_period(book_id=books.id, period_id=period)
        closed.set()

    def watch() -> None:
        assert posted.wait(10)
        assert not closed.wait(0.5)  # it waits
        go_on.set()
        assert closed.wait(10)

    outcomes = run_together(lambda: slow_posting(books, posted, go_on), close, watch)
    assert [outcome.error for outcome in outcomes] == [None, None, None]
    with pytest.raises(errors.PeriodLocked):
        books.move("cash", "equity", 5, at=AT)
    with tenant_scope(books.id):
        closed_at = Period.objects.get(pk=period).closed_at
        assert [entry.recorded_at < closed_at for entry in Entry.objects.all()] == [True]  # type: ignore[operator]
    holds(books)


def test_its_twin_without_the_books_lock_posts_into_a_closed_period() -> None:
    books = Books()
    period, posted, go_on = period_of(books), threading.Event(), threading.Event()
    entry_lock, post_lock = SHARED.format(book="NEW.book_id"), SHARED.format(book="p_book")
    with without(ENTRY_JUDGED, entry_lock), without(POST, post_lock), held_at("ledger.period_closed") as closing:

        def post_meanwhile() -> None:
            closing.wait_until_reached()
            books.move("cash", "equity", 5, at=AT)  # it is not committed that the period is closed
            posted.set()

        def let_go() -> None:
            assert posted.wait(10)
            closing.release()
            go_on.set()

        outcomes = run_together(lambda: close_period(book_id=books.id, period_id=period), post_meanwhile, let_go)
    assert [outcome.error for outcome in outcomes] == [None, None, None]
    assert {fault.kind for fault in verify_books(book_id=books.id).faults} == {"closed_period"}


def test_a_hold_and_a_posting_share_what_is_there() -> None:
    for _ in range(10):
        books = Books()
        purse = books.account("purse", floor=0, kind="liability")
        books.move("cash", purse, 100)
        until = utc_now() + timedelta(hours=1)
        outcomes = run_together(
            lambda: hold_funds(book_id=books.id, account_id=purse, amount_minor=80, key="h", expires_at=until),  # noqa: B023
            lambda: books.move(purse, "cash", 80),  # noqa: B023
        )
        failed = [outcome.error for outcome in outcomes if outcome.error is not None]
        assert [type(each) for each in failed] == [errors.InsufficientFunds]
        holds(books)


def test_of_eight_reversals_one_is_made() -> None:
    books = Books()
    posted = books.move("cash", "equity", 5)
    outcomes = repeat_together(
        8, lambda number: reverse_entry(book_id=books.id, entry_id=posted.entry_id, key=f"r{number}")
    )
    failed = [type(outcome.error) for outcome in outcomes if outcome.error is not None]
    assert failed == [errors.AlreadyReversed] * 7
    assert (count(books), balance(books, books["cash"])) == (2, 0)
    holds(books)


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


@contextmanager
def two_connections() -> Iterator[tuple[psycopg.Connection[Any], psycopg.Connection[Any]]]:
    with psycopg.connect(url_of_test_database()) as first, psycopg.connect(url_of_test_database()) as second:
        yield first, second


def test_a_line_added_from_another_connection_fails_at_its_commit() -> None:
    books, made = Books(), new_uuid()
    line = "INSERT INTO ledger_line (entry_id, account_id, side, amount_minor, currency, memo) VALUES (%s, %s, %s, 5, 'USD', '')"
    entry = (
        "INSERT INTO ledger_entry (id, book_id, kind, key, effective_at, description, reference_type, reference_id, "
        "request_id, line_count, digest) VALUES (%s, %s, 'manual', %s, now(), '', '', '', '', 2, '')"
    )
    with two_connections() as (first, second):
        for account, side in ((books["cash"], 1), (books["equity"], -1)):
            first.execute(line, [made, account, side])
        first.execute(entry, [made, books.id, new_id()])
        for account, side in ((books["bank"], 1), (books["payable"], -1)):  # balanced in itself
            second.execute(line, [made, account, side])
        first.commit()
        with pytest.raises(psycopg.errors.IntegrityError, match="LATE_LINE"):
            second.commit()
    assert (count(books), balance(books, books["cash"]), balance(books, books["bank"])) == (1, 5, 0)


def test_two_sealers_leave_one_chain_without_a_gap() -> None:
    books = Books()
    for _ in range(50):
        books.move("cash", "equity", 5)
    sealed = [outcome.result() or 0 for outcome in repeat_together(4, lambda _: seal_entries())]
    assert sum(sealed) >= 50  # of every book that waited
    assert verify_books(book_id=books.id).faults == ()
    assert verify_books(book_id=books.id).sealed == 50
