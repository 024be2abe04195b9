"""Part of a balance that is wanted by two: held and spent, posted and voided, posted and expired. With twins."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Event
from uuid import UUID

import pytest
from django.db import IntegrityError, connection

from stoa.apps.ledger import errors
from stoa.apps.ledger.contracts import Posted
from stoa.apps.ledger.models import Balance, Hold, HoldState
from stoa.apps.ledger.services.holds import expire_holds, hold_funds, post_hold, void_hold
from stoa.apps.ledger.services.rules.postgresql import HOLD_CHANGED, POST
from stoa.apps.ledger.tests.factories import Books
from stoa.kit.clock import utc_now
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.testing.pausing import held_at, skipped_at
from stoa.platform.testing.races import Outcome, repeat_together, run_together
from tests.races.locks import MEET, ORDER, balance, count, faults, holds, seal_all, without

pytestmark = [pytest.mark.race, pytest.mark.usefixtures("committed_db")]
REFUSE = "RAISE EXCEPTION 'ledger:INSUFFICIENT_FUNDS' USING ERRCODE = 'integrity_constraint_violation'"
HELD = "UPDATE ledger_balance SET held_minor = held_minor + NEW.amount_minor WHERE account_id = NEW.account_id;"
LOOK_AND_HOLD = f"""IF EXISTS (SELECT 1 FROM ledger_balance WHERE account_id = NEW.account_id
      AND (debit_minor - credit_minor) * normal - held_minor - NEW.amount_minor < floor_minor) THEN {REFUSE}; END IF;
    {MEET.format(parties=2)} {HELD}"""
LOOK_AND_POST = f"""IF EXISTS (SELECT 1 FROM ledger_balance AS there
      JOIN unnest(p_accounts, p_sides, p_amounts) AS line (account, side, amount) ON line.account = there.account_id
      WHERE (debit_minor - credit_minor + line.side * line.amount) * normal - held_minor < floor_minor) THEN {REFUSE};
    END IF; {MEET.format(parties=2)}"""


class Purse:
    """A hundred on an account that may not fall below zero, and what is held of it."""

    def __init__(self, *, held: int = 0) -> None:
        self.books = Books()
        self.id = self.books.account("purse", floor=0, kind="liability")
        self.books.move("cash", self.id, 100)
        if held:
            self.hold = self.held(held)

    def held(self, minor: int, until: datetime | None = None) -> UUID:
        expires_at = until or utc_now() + timedelta(hours=1)
        return hold_funds(
            book_id=self.books.id, account_id=self.id, amount_minor=minor, key="h", expires_at=expires_at
        ).id

    def post(self, minor: int = 60) -> Posted:
        draft = self.books.draft(self.books.between(self.id, self.books["cash"], minor))
        return post_hold(book_id=self.books.id, hold_id=self.hold, draft=draft)

    def void(self) -> object:
        return void_hold(book_id=self.books.id, hold_id=self.hold)

    def look(self) -> tuple[HoldState, int, int]:
        """The hold's state, what is on the account, what is held of it."""
        with tenant_scope(self.books.id):
            there = Balance.objects.get(pk=self.id)
            return HoldState(Hold.objects.get(pk=self.hold).state), there.posted_minor, there.held_minor


def wanted_twice(purse: Purse) -> list[Outcome[object]]:
    return run_together(lambda: purse.held(80), lambda: purse.books.move(purse.id, "cash", 80))


def test_a_hold_and_a_posting_share_what_is_there() -> None:
    for _ in range(10):
        purse = Purse()
        failed = [outcome.error for outcome in wanted_twice(purse) if outcome.error is not None]
        assert [type(each) for each in failed] == [errors.InsufficientFunds]
        holds(purse.books)


@contextmanager
def without_the_floors_check() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ledger_balance_floor'")
        [definition] = cursor.fetchone()
        cursor.execute("ALTER TABLE ledger_balance DROP CONSTRAINT ledger_balance_floor")
        try:
            yield
        finally:
            cursor.execute(f"ALTER TABLE ledger_balance ADD CONSTRAINT ledger_balance_floor {definition}")


def test_its_twin_that_looks_first_and_locks_nothing_lets_both_have_it() -> None:
    purse = Purse()
    looking = without({HOLD_CHANGED: {HELD: LOOK_AND_HOLD}, POST: {ORDER: LOOK_AND_POST}})
    with without_the_floors_check():
        with looking:
            outcomes = wanted_twice(purse)
        seal_all()
        found = faults(purse.books)
        purse.books.move("cash", purse.id, 60)  # made good, or the check could not come back
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert found == {"floor"}


def test_looking_first_is_stopped_by_the_floors_check_alone() -> None:
    """The twin fails for want of the check, and of nothing else."""
    purse = Purse()
    with without({HOLD_CHANGED: {HELD: LOOK_AND_HOLD}, POST: {ORDER: LOOK_AND_POST}}):
        outcomes = wanted_twice(purse)
    assert [type(outcome.error) for outcome in outcomes if outcome.error] == [errors.InsufficientFunds]
    holds(purse.books)


def test_a_hold_is_posted_or_voided_and_never_both() -> None:
    for _ in range(3):
        purse = Purse(held=80)
        outcomes = repeat_together(8, lambda number: purse.post() if number % 2 else purse.void())  # noqa: B023
        failed = [type(outcome.error) for outcome in outcomes if outcome.error is not None]
        state, posted, held = purse.look()
        if state == HoldState.POSTED:
            assert (failed, posted, held) == ([errors.HoldResolved] * 7, 40, 0)
        else:  # who voids again is told that it is voided
            assert (failed, state, posted, held) == ([errors.HoldResolved] * 4, HoldState.VOIDED, 100, 0)
        holds(purse.books)


def voided_while_it_is_posted(purse: Purse, *, waits: bool) -> list[Outcome[object]]:
    voided = Event()
    with held_at("ledger.hold_locked") as posting:

        def void() -> None:
            posting.wait_until_reached()
            try:
                purse.void()
            finally:
                voided.set()

        def watch() -> None:
            posting.wait_until_reached()
            assert voided.wait(0.5 if waits else 10) is not waits
            posting.release()

        return run_together(purse.post, void, watch)


def test_who_voids_waits_for_who_posts() -> None:
    purse = Purse(held=80)
    outcomes = voided_while_it_is_posted(purse, waits=True)
    assert [type(outcome.error) for outcome in outcomes if outcome.error] == [errors.HoldResolved]
    assert purse.look() == (HoldState.POSTED, 40, 0)
    holds(purse.books)


def test_its_twin_without_the_holds_lock_is_stopped_by_the_database_alone() -> None:
    purse = Purse(held=80)
    with skipped_at("ledger.lock_hold"):
        outcomes = voided_while_it_is_posted(purse, waits=False)
    stopped(outcomes)
    assert (purse.look(), count(purse.books)) == ((HoldState.VOIDED, 100, 0), 1)
    holds(purse.books)


def stopped(outcomes: list[Outcome[object]]) -> None:
    """The post alone, and not by what the service knows."""
    first, *others = [outcome.error for outcome in outcomes]
    assert (type(first), others) == (IntegrityError, [None] * len(others))
    assert "HOLD_RESOLVED" in str(first)


def test_a_hold_is_posted_or_expires_and_never_both() -> None:
    chance = random.Random(6)
    for _ in range(6):
        purse = Purse()
        until = utc_now() + timedelta(milliseconds=200)
        purse.hold = purse.held(80, until)

        def post(purse: Purse = purse, until: datetime = until, late_s: float = chance.uniform(-0.02, 0.01)) -> Posted:
            time.sleep(max(0.0, (until - utc_now()).total_seconds() + late_s))
            return purse.post()

        def sweep(purse: Purse = purse) -> None:
            while purse.look()[0] == HoldState.PENDING:
                expire_holds()

        posted, swept = run_together(post, sweep)
        assert swept.error is None
        if posted.error is None:
            assert purse.look() == (HoldState.POSTED, 40, 0)
        else:
            assert (type(posted.error), purse.look()) == (errors.HoldResolved, (HoldState.EXPIRED, 100, 0))
        holds(purse.books)


def make_due(hold: UUID) -> None:
    """As if its hour had passed: what a hold is does not change otherwise."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_hold DISABLE TRIGGER ledger_hold_changed")
        cursor.execute("UPDATE ledger_hold SET expires_at = now() WHERE id = %s", [hold])
        cursor.execute("ALTER TABLE ledger_hold ENABLE TRIGGER ledger_hold_changed")


def test_its_twin_without_the_holds_lock_expires_what_is_being_posted() -> None:
    purse = Purse(held=80)
    with skipped_at("ledger.lock_hold"), held_at("ledger.hold_locked") as posting:

        def expire() -> None:
            posting.wait_until_reached()
            make_due(purse.hold)
            assert expire_holds() == 1
            posting.release()

        outcomes = run_together(purse.post, expire)
    stopped(outcomes)
    assert (purse.look(), balance(purse.books, purse.id)) == ((HoldState.EXPIRED, 100, 0), 100)
    holds(purse.books)
