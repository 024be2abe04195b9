"""Reports as of an instant are what summing every line gives, however late an entry came and whoever writes past us."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import DatabaseError

from stoa.apps.ledger.contracts import Span
from stoa.apps.ledger.models import Checkpoint, DayTurnover, Line
from stoa.apps.ledger.queries import sums_until, trial_balance
from stoa.apps.ledger.services.checkpoints import make_checkpoints
from stoa.apps.ledger.services.ledger_lines import account_statement
from stoa.apps.ledger.services.posting import reverse_entry
from stoa.apps.ledger.services.reporting import balance_sheet
from stoa.apps.ledger.services.sealing import seal_entries
from stoa.apps.ledger.services.verifying import verify_books
from stoa.apps.ledger.tasks import checkpoints
from stoa.apps.ledger.tests.factories import AT, Books
from stoa.apps.ledger.tests.test_verifying import run, sqlite, unguarded
from stoa.kit.clock import utc_now
from stoa.platform.db.rows import fetch_rows
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.values import stored_uuid

pytestmark = pytest.mark.django_db
ROLES = ("cash", "bank", "equity", "payable", "sales_revenue", "fees")
DAY = datetime(2026, 3, 14, tzinfo=UTC)


def summed(books: Books, until: datetime, *, with_it: bool) -> dict[UUID, tuple[int, int]]:
    """What every line says, in plain Python."""
    found: dict[UUID, list[int]] = {}
    with tenant_scope(books.id):
        for line in Line.objects.select_related("entry"):
            at = line.entry.effective_at
            if at < until or (with_it and at == until):
                found.setdefault(line.account_id, [0, 0])[line.side == -1] += line.amount_minor
    return {account: (both[0], both[1]) for account, both in found.items()}


def told(books: Books, until: datetime) -> dict[UUID, tuple[int, int]]:
    rows = trial_balance(book_id=books.id, effective_to=until).rows
    return {row.account_id: (row.debits.minor, row.credits.minor) for row in rows}


def kinds(books: Books) -> set[str]:
    """Asked of this book by name, and of all books, where PostgreSQL looks ahead: with the same answer."""
    found = {fault.kind for fault in verify_books(book_id=books.id).faults}
    assert {fault.kind for fault in verify_books().faults} == found
    return found


def counted(books: Books) -> list[tuple[int, int]]:
    with tenant_scope(books.id):
        return list(Checkpoint.objects.order_by("sealed_to").values_list("sealed_after", "sealed_to"))


def checkpointed() -> Books:
    """Two days, two entries, one checkpoint."""
    books = Books()
    books.move("cash", "equity", 10_00, at=DAY)
    books.move("bank", "cash", 4_00, at=DAY + timedelta(days=1, hours=5))
    seal_entries()
    assert make_checkpoints(limit=10) == 1
    return books


@pytest.mark.parametrize("seed", range(8))
def test_a_random_history_says_at_every_instant_what_its_lines_say(seed: int) -> None:
    """Entries of ten days in any order, so that most are back-dated; reversals; some never sealed, some never counted."""
    chance = random.Random(20261127 + seed)
    books, other = Books(), Books()
    posted, instants = [], [DAY - timedelta(days=1), DAY + timedelta(days=400)]
    for _ in range(40):
        # Midnight, the last and the first microsecond of a day more often than chance would have it.
        day = DAY + timedelta(days=chance.randrange(10))
        at = day + timedelta(microseconds=chance.choice([0, 1, -1, chance.randrange(86_400_000_000)]))
        to, source = chance.sample(ROLES, 2)
        posted.append(books.move(to, source, chance.randrange(1, 10**9), at=at))
        other.move(to, source, 7, at=at)
        instants += [at, day]
        if chance.random() < 0.1:
            reverse_entry(book_id=books.id, entry_id=posted.pop().entry_id, key=f"r{at}{len(posted)}")
        if chance.random() < 0.4:
            seal_entries()
        if chance.random() < 0.2:
            make_checkpoints(limit=10, many=1)
    assert len(counted(books)) > 1
    for instant in instants:
        assert told(books, instant) == summed(books, instant, with_it=True), instant
        sheet = balance_sheet(book_id=books.id, until=instant)
        assert not any(each.minor for each in sheet.difference)
        cash = sum(row.amount.minor for row in sheet.assets.rows if row.account_id == books["cash"])
        debited, credited = summed(books, instant, with_it=False).get(books["cash"], (0, 0))
        assert cash == debited - credited, instant
        if instant > DAY:
            opening = account_statement(book_id=books.id, account_id=books["cash"], span=Span(since=instant)).opening
            assert opening.minor == debited - credited, instant
    assert kinds(books) == set()


def test_a_checkpoint_begins_where_the_last_one_ended_and_is_made_once() -> None:
    books = checkpointed()
    assert (make_checkpoints(limit=10), make_checkpoints(limit=10, many=1), counted(books)) == (0, 0, [(0, 2)])
    books.move("cash", "equity", 1, at=DAY)
    assert make_checkpoints(limit=10, many=1) == 0  # no number yet
    seal_entries()
    assert make_checkpoints(limit=10) == 0  # today's is there
    assert (make_checkpoints(limit=10, many=1), counted(books)) == (1, [(0, 2), (2, 3)])


def test_the_sweep_makes_one_a_day_for_each_book() -> None:
    books, other, _ = Books(), Books(), Books()
    books.move("cash", "equity", 5)
    other.move("cash", "equity", 5)
    seal_entries()
    assert (checkpoints(1), checkpoints(500), checkpoints(500)) == (1, 1, 0)
    assert (counted(books), counted(other)) == ([(0, 1)], [(0, 1)])
    books.move("cash", "equity", 5)
    seal_entries()
    assert checkpoints(500) == 0
    with tenant_scope(books.id):
        made_at = Checkpoint.objects.get().made_at
    assert utc_now() - timedelta(minutes=5) < made_at < utc_now() + timedelta(minutes=5)


def test_a_book_whose_numbers_have_a_gap_gets_none_and_says_what_its_lines_say() -> None:
    books = Books()
    for amount in (1, 2, 3):
        books.move("cash", "equity", amount, at=DAY)
    seal_entries()
    with unguarded():
        run("DELETE FROM ledger_seal WHERE book_id = %s AND seq = 2", stored_uuid(books.id))
        assert (make_checkpoints(limit=10), counted(books)) == (0, [])
    assert make_checkpoints(limit=10) == 1


FORGED = {
    "a sum of a day": "INSERT INTO ledger_day_turnover (book_id, account_id, day, sealed_to, debit_minor, credit_minor) "
    "SELECT book_id, account_id, '2020-01-01', sealed_to, 1, 0 FROM ledger_day_turnover LIMIT 1",
    "a sum replaced": "{replace} INTO ledger_day_turnover (id, book_id, account_id, day, sealed_to, debit_minor, "
    "credit_minor) SELECT id, book_id, account_id, day, sealed_to, 1, 0 FROM ledger_day_turnover LIMIT 1",
    "a sum changed": "UPDATE ledger_day_turnover SET debit_minor = 1",
    "a sum removed": "DELETE FROM ledger_day_turnover",
    "a checkpoint moved": "UPDATE ledger_checkpoint SET sealed_to = 1",
    "a checkpoint opened": "UPDATE ledger_checkpoint SET is_counting = {true}",
    "a checkpoint dated": "UPDATE ledger_checkpoint SET made_at = '2020-01-01 00:00:00.000000'",
    "a checkpoint removed": "DELETE FROM ledger_checkpoint",
    "from the start again": "INSERT INTO ledger_checkpoint (book_id, sealed_after, sealed_to, made_at, is_counting) "
    "SELECT book_id, 0, 1, made_at, {true} FROM ledger_checkpoint",
    "from the middle": "INSERT INTO ledger_checkpoint (book_id, sealed_after, sealed_to, made_at, is_counting) "
    "SELECT book_id, 1, 3, made_at, {true} FROM ledger_checkpoint",
    "beyond the last number": "INSERT INTO ledger_checkpoint (book_id, sealed_after, sealed_to, made_at, is_counting) "
    "SELECT book_id, 2, 9, made_at, {true} FROM ledger_checkpoint",
    "backwards": "INSERT INTO ledger_checkpoint (book_id, sealed_after, sealed_to, made_at, is_counting) "
    "SELECT book_id, 2, 2, made_at, {true} FROM ledger_checkpoint",
    "a checkpoint replaced": "{replace} INTO ledger_checkpoint (id, book_id, sealed_after, sealed_to, made_at, "
    "is_counting) SELECT id, book_id, 0, 1, made_at, {true} FROM ledger_checkpoint",
}


@pytest.mark.parametrize("name", FORGED)
def test_nobody_writes_a_checkpoint_by_hand(name: str) -> None:
    books = checkpointed()
    books.move("cash", "equity", 1, at=DAY)
    seal_entries()
    statement = FORGED[name].format(
        true="1" if sqlite() else "true", replace="INSERT OR REPLACE" if sqlite() else "INSERT"
    )
    with pytest.raises(DatabaseError, match=r"ledger:|append-only|ledger_checkpoint_|unique"), transaction():
        run(statement)
    assert (counted(books), kinds(books)) == ([(0, 2)], set())
    with tenant_scope(books.id):
        assert DayTurnover.objects.count() == 4


def test_a_finished_checkpoint_cannot_be_inserted_as_such() -> None:
    """On SQLite, where the flag lets the trigger write. On PostgreSQL the trigger itself takes it away."""
    books = checkpointed()
    books.move("cash", "equity", 1, at=DAY)
    seal_entries()
    statement = """INSERT INTO ledger_checkpoint (book_id, sealed_after, sealed_to, made_at, is_counting)
      SELECT book_id, 2, 3, made_at, {false} FROM ledger_checkpoint"""
    if sqlite():
        with pytest.raises(DatabaseError, match="ledger:CHECKPOINT"), transaction():
            run(statement.format(false="0"))
    else:
        run(statement.format(false="false"))
        assert counted(books) == [(0, 2), (2, 3)]
    assert kinds(books) == set()
    assert told(books, DAY) == summed(books, DAY, with_it=True)


PLANTED = {
    "a sum changed": "UPDATE ledger_day_turnover SET debit_minor = debit_minor + 1 WHERE debit_minor > 0 AND book_id = %s",
    "a day moved": "UPDATE ledger_day_turnover SET day = '2026-01-01' WHERE day = '2026-03-14' AND book_id = %s",
    "a sum removed": "DELETE FROM ledger_day_turnover WHERE day = '2026-03-14' AND book_id = %s",
    "a checkpoint removed": "DELETE FROM ledger_checkpoint WHERE book_id = %s",
    "a checkpoint moved": "UPDATE ledger_checkpoint SET sealed_to = 1 WHERE book_id = %s",
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_corrupt_checkpoint_is_found(name: str) -> None:
    books = checkpointed()
    assert kinds(books) == set()
    with unguarded():
        run(PLANTED[name], stored_uuid(books.id))
        assert kinds(books) == {"checkpoint"}
        accounts = {str(books[role]) for role in ("cash", "bank", "equity")}
        assert {fault.subject for fault in verify_books().faults} <= accounts
    assert kinds(books) == set()


def test_an_entry_whose_instant_was_changed_is_found_by_its_day_too() -> None:
    books = checkpointed()
    with unguarded():
        run("UPDATE ledger_entry SET effective_at = '2026-03-15 00:00:00.000000'")
        assert kinds(books) == {"digest", "checkpoint"}


def test_instants_beyond_every_calendar_have_an_answer() -> None:
    books = checkpointed()
    assert told(books, datetime.max.replace(tzinfo=UTC)) == summed(books, AT + timedelta(days=99), with_it=True)
    assert told(books, datetime.min.replace(tzinfo=UTC)) == {}


def test_a_checkpoint_made_between_two_statements_of_a_report_is_not_counted_beside_its_lines() -> None:
    books = checkpointed()
    books.move("cash", "equity", 1_00, at=DAY)
    seal_entries()
    statement, values = sums_until(book_id=books.id, until=DAY + timedelta(days=1), account_id=books["cash"])
    assert make_checkpoints(limit=10, many=1) == 1
    [(_, debits, _)] = fetch_rows(statement, values)
    assert debits == 11_00
    # Its twin, which takes whatever checkpoints there are by now.
    [(_, debits, _)] = fetch_rows(statement, [values[0], 3, *values[2:]])
    assert debits == 12_00
