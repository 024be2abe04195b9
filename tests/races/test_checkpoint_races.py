"""Checkpoints and what is posted or counted at the same moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import connection

from stoa.apps.ledger.models import Checkpoint, Entry
from stoa.apps.ledger.queries import trial_balance
from stoa.apps.ledger.services.checkpoints import make_checkpoints
from stoa.apps.ledger.services.sealing import seal_entries
from stoa.apps.ledger.services.verifying import verify_books
from stoa.apps.ledger.tests.factories import Books
from stoa.kit.ids import new_id, new_uuid
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.testing.databases import url_of_test_database
from stoa.platform.testing.pausing import meeting_at
from stoa.platform.testing.races import run_together

pytestmark = [pytest.mark.race, pytest.mark.usefixtures("committed_db")]
DAY = datetime(2026, 3, 14, tzinfo=UTC)
EVERY_BOOK = 10**6
LINE = "INSERT INTO ledger_line (entry_id, account_id, side, amount_minor, currency, memo) VALUES (%s, %s, %s, 5, 'USD', '')"
ENTRY = (
    "INSERT INTO ledger_entry (id, book_id, kind, key, effective_at, description, reference_type, reference_id, "
    "request_id, line_count, digest) VALUES (%s, %s, 'manual', %s, %s, '', '', '', '', 2, '')"
)
ONCE = {
    "ledger_checkpoint_follows": ("ledger_checkpoint", "book_id, sealed_after"),
    "ledger_checkpoint_once": ("ledger_checkpoint", "book_id, sealed_to"),
    "ledger_day_turnover_once": ("ledger_day_turnover", "account_id, day, sealed_to"),
}


def seal_all() -> None:
    while seal_entries():
        pass


def cash(books: Books) -> int:
    rows = trial_balance(book_id=books.id, effective_to=DAY + timedelta(days=1)).rows
    return sum(row.balance.minor for row in rows if row.account_id == books["cash"])


def counted(books: Books) -> list[tuple[int, int]]:
    with tenant_scope(books.id):
        return list(Checkpoint.objects.order_by("id").values_list("sealed_after", "sealed_to"))


def test_an_entry_that_was_recorded_before_a_checkpoint_and_committed_after_it_is_counted() -> None:
    books, made = Books(), new_uuid()
    books.move("cash", "equity", 100, at=DAY)
    with psycopg.connect(url_of_test_database()) as slow:
        slow.execute(LINE, [made, books["cash"], 1])
        slow.execute(LINE, [made, books["payable"], -1])
        slow.execute(ENTRY, [made, books.id, new_id(), DAY])
        seal_all()
        make_checkpoints(limit=EVERY_BOOK)
        assert (counted(books), cash(books)) == ([(0, 1)], 100)
        slow.commit()
    with tenant_scope(books.id):
        # By its clock it was there: a bound in time would have lost it for ever.
        assert Entry.objects.get(pk=made).recorded_at < Checkpoint.objects.get().made_at
    assert cash(books) == 105
    seal_all()
    assert cash(books) == 105
    make_checkpoints(limit=EVERY_BOOK, many=1)
    assert (counted(books), cash(books)) == ([(0, 1), (1, 2)], 105)
    assert {fault.kind for fault in verify_books(book_id=books.id).faults} == {"digest"}  # it was posted without one


def count_twice_at_once() -> Books:
    """Two sweeps, both with a checkpoint of one book that is not committed."""
    make_checkpoints(limit=EVERY_BOOK)  # so that ours is the only book that is due
    books = Books()
    books.move("cash", "equity", 100, at=DAY)
    seal_all()
    with meeting_at("ledger.before_checkpoint_commit", parties=2):
        outcomes = run_together(*[lambda: make_checkpoints(limit=EVERY_BOOK)] * 2)
    assert [outcome.error for outcome in outcomes] == [None, None]
    return books


def test_of_two_sweeps_that_meet_one_counts() -> None:
    books = count_twice_at_once()
    assert (counted(books), cash(books)) == ([(0, 1)], 100)
    assert verify_books(book_id=books.id).faults == ()


def test_its_twin_without_the_unique_keys_counts_twice() -> None:
    seal_all()
    with without_keys() as books_made:
        books = count_twice_at_once()
        books_made.append(books.id)
        assert (counted(books), cash(books)) == ([(0, 1), (0, 1)], 200)
        assert {fault.kind for fault in verify_books(book_id=books.id).faults} == {"checkpoint"}
    assert cash(books) == 100


@contextmanager
def without_keys() -> Iterator[list[UUID]]:
    """What the given books counted meanwhile is taken away with it."""
    books: list[UUID] = []
    with connection.cursor() as cursor:
        for name, (table, _) in ONCE.items():
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        try:
            yield books
        finally:
            for table in ("ledger_checkpoint", "ledger_day_turnover"):
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
                cursor.execute(f"DELETE FROM {table} WHERE book_id = ANY (%s)", [books])
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
            for name, (table, columns) in ONCE.items():
                cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE ({columns})")
