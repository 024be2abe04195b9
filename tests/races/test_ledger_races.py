"""Postings that meet: hot accounts, opposite directions, one key, batches, two reversals, two sealers. Each lock has a
twin without it."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection

from stoa.apps.ledger import errors
from stoa.apps.ledger.contracts import Draft, Posted
from stoa.apps.ledger.models import Seal
from stoa.apps.ledger.services.posting import post_entries, post_entry, reverse_entry
from stoa.apps.ledger.services.rules.postgresql import POST
from stoa.apps.ledger.services.sealing import seal_entries
from stoa.apps.ledger.services.verifying import verify_books
from stoa.apps.ledger.tests.factories import Books
from stoa.kit.ids import new_id, new_uuid
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.outbox.models import OutboxEvent
from stoa.platform.testing.databases import url_of_test_database
from stoa.platform.testing.pausing import held_at, meeting_at, skipped_at
from stoa.platform.testing.races import Outcome, repeat_together, run_together
from tests.races.locks import KEY, MEET, ORDER, balance, count, faults, holds, seal_all, without

pytestmark = [pytest.mark.race, pytest.mark.usefixtures("committed_db")]
AS_ASKED = f"""DECLARE one uuid; BEGIN FOREACH one IN ARRAY p_accounts LOOP
    PERFORM 1 FROM ledger_balance WHERE account_id = one FOR NO KEY UPDATE; {MEET.format(parties=2)}
  END LOOP; END;"""
"""Each account by itself, in the order of the lines; the other one comes in between."""
KEYS_AS_ASKED = f"""DECLARE one text; BEGIN FOREACH one IN ARRAY p_keys LOOP
    PERFORM pg_advisory_xact_lock(hashtextextended(p_book::text || one, 6022)); {MEET.format(parties=2)}
  END LOOP; END;"""


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


def failures(outcomes: list[Outcome[Any]]) -> list[type[BaseException]]:
    return [type(outcome.error) for outcome in outcomes if outcome.error is not None]


def one_deadlocks(outcomes: list[Outcome[Any]]) -> bool:
    told = [str(outcome.error) for outcome in outcomes if outcome.error is not None]
    return failures(outcomes) == [OperationalError] and "deadlock" in told[0]


def test_its_twin_that_locks_as_it_is_asked_deadlocks() -> None:
    books = Books()
    first, second = books.account("A"), books.account("B")
    with without({POST: {ORDER: AS_ASKED}}):
        outcomes = opposite(books, first, second)
    assert one_deadlocks(outcomes)
    assert failures(opposite(books, first, second)) == []


def test_batches_over_the_same_accounts_in_other_orders_never_deadlock() -> None:
    books = Books()
    ours = [books.account(f"A{number}") for number in range(6)]

    def many(number: int) -> None:
        chance = random.Random(number)
        for _ in range(10):
            # Round the ring, from anywhere and in any order: what comes out is what went in.
            steps = [(ours[each], ours[each - 1]) for each in range(len(ours))]
            chance.shuffle(steps)
            post_entries(drafts=[books.draft(books.between(to, source, number + 1)) for to, source in steps])

    assert failures(repeat_together(8, many)) == []
    assert (count(books), [balance(books, each) for each in ours]) == (480, [0] * 6)
    holds(books)


def in_other_orders(books: Books, *, keys: tuple[str, str]) -> list[Outcome[list[Posted]]]:
    """Two batches of the same two entries, or of two that differ in their keys alone; the second the other way round."""
    pairs = [(books.account(each), books.account(f"{each}'")) for each in ("A", "B")]

    def drafts(key: str) -> list[Draft]:
        return [
            books.draft(books.between(to, source, 5), key=f"{key}{number}") for number, (to, source) in enumerate(pairs)
        ]

    return run_together(
        lambda: post_entries(drafts=drafts(keys[0])), lambda: post_entries(drafts=drafts(keys[1])[::-1])
    )


def test_their_twin_that_locks_accounts_as_it_is_asked_deadlocks() -> None:
    books = Books()
    with without({POST: {ORDER: AS_ASKED}}):
        assert one_deadlocks(in_other_orders(books, keys=("x", "y")))
    assert count(books) == 2  # all of one batch, none of the other


def test_the_same_batch_in_other_orders_is_posted_once() -> None:
    books = Books()
    drafts = [books.draft(books.between(books["cash"], books["equity"], 5), key=f"k{each}") for each in range(8)]

    def shuffled(number: int) -> set[Any]:
        mine = random.Random(number).sample(drafts, k=len(drafts))
        return {each.entry_id for each in post_entries(drafts=mine)}

    outcomes = repeat_together(8, shuffled)
    assert failures(outcomes) == []
    assert len(set().union(*(outcome.result() or set() for outcome in outcomes))) == 8
    assert (count(books), balance(books, books["cash"])) == (8, 40)
    holds(books)


def test_its_twin_that_locks_keys_as_it_is_asked_deadlocks() -> None:
    books = Books()
    with without({POST: {KEY: KEYS_AS_ASKED}}):
        assert one_deadlocks(in_other_orders(books, keys=("x", "x")))
    assert count(books) == 2


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
    # All have looked for the key, and found nothing, before the first posts.
    with without({POST: {KEY: "", ORDER: f"{MEET.format(parties=4)} {ORDER}"}}):
        outcomes = repeat_together(4, lambda _: post_entry(draft=draft))
    failed = [outcome.error for outcome in outcomes if outcome.error is not None]
    assert [type(each) for each in failed] == [IntegrityError] * 3
    assert all("ledger_entry_key" in str(each) for each in failed)
    assert (count(books), balance(books, books["cash"])) == (1, 5)


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


@contextmanager
def reversed_more_than_once(books: Books) -> Iterator[None]:
    """Without the one constraint; afterwards what stands against it is no reversal any more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'ledger_entry'::regclass "
            "AND contype = 'u' AND pg_get_constraintdef(oid) = 'UNIQUE (reverses_id)'"
        )
        [(name, definition)] = cursor.fetchall()
        cursor.execute(f"ALTER TABLE ledger_entry DROP CONSTRAINT {name}")
        try:
            yield
        finally:
            cursor.execute("ALTER TABLE ledger_entry DISABLE TRIGGER USER")
            cursor.execute("UPDATE ledger_entry SET reverses_id = NULL WHERE book_id = %s", [books.id])
            cursor.execute("ALTER TABLE ledger_entry ENABLE TRIGGER USER")
            cursor.execute(f"ALTER TABLE ledger_entry ADD CONSTRAINT {name} {definition}")


def test_their_twin_without_the_constraint_takes_one_entry_back_twice() -> None:
    books = Books()
    posted = books.move("cash", "equity", 5)
    with reversed_more_than_once(books):
        outcomes = repeat_together(
            2, lambda number: reverse_entry(book_id=books.id, entry_id=posted.entry_id, key=f"r{number}")
        )
        seal_all()
        assert (failures(outcomes), faults(books)) == ([], {"reversed_twice"})
    assert (count(books), balance(books, books["cash"])) == (3, -5)


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


def test_who_comes_while_another_seals_leaves_the_chain_to_it() -> None:
    seal_all()
    books = Books()
    books.move("cash", "equity", 5)
    with held_at("ledger.chain_read") as sealing:

        def other() -> int:
            sealing.wait_until_reached()
            done = seal_entries()
            sealing.release()
            return done

        outcomes = run_together(seal_entries, other)
    assert [outcome.result() for outcome in outcomes] == [1, 0]
    holds(books)


def test_its_twin_without_the_chains_lock_gives_a_number_twice_and_is_stopped_by_the_database_alone() -> None:
    seal_all()
    books = Books()
    books.move("cash", "equity", 5)
    with skipped_at("ledger.lock_chain"), meeting_at("ledger.chain_read", parties=2, timeout_s=10):
        outcomes = repeat_together(2, lambda _: seal_entries())
    assert failures(outcomes) == [IntegrityError]
    with tenant_scope(books.id):
        assert Seal.objects.count() == 1
    holds(books)
