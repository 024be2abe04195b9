"""What the books tell at a given size: the trial balance, the whole check, bytes an entry, queries a posting."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks.ledger.filling import DAYS, fill, seal
from benchmarks.ledger.world import CURRENCY, Book
from stoa.apps.ledger.contracts import Draft, TrialBalance, credit, debit
from stoa.apps.ledger.models import Entry
from stoa.apps.ledger.queries import trial_balance
from stoa.apps.ledger.services.checkpoints import make_checkpoints
from stoa.apps.ledger.services.posting import post_entry
from stoa.apps.ledger.services.verifying import verify_books
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_id
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.sweeps.registry import BATCH


@dataclass(frozen=True, slots=True)
class Read:
    entries: int
    filled_s: float
    now_ms: float
    as_of_ms: float
    verified_s: float
    counted_s: float
    """The first checkpoint: of every entry at once."""
    accounts: int
    table_bytes: dict[str, int]
    characters: int
    """Of an entry's key, description, reference and request id, on average."""


def queries_of_a_posting(book: Book) -> int:
    """Of the second one: the first of a process may look up more."""
    _post_one(book)
    with CaptureQueriesContext(connection) as captured:
        _post_one(book)
    return len(captured)


def _post_one(book: Book) -> None:
    lines = debit(book.hot[0], 100, CURRENCY), credit(book.hot[1], 100, CURRENCY)
    post_entry(draft=Draft(book_id=book.id, kind="manual", key=new_id(), effective_at=utc_now(), lines=lines))


def entries_of(book: Book) -> int:
    with tenant_scope(book.id):
        return Entry.objects.count()


def read_at(book: Book, *, entries: int, rounds: int) -> Read:
    """Fills the book up to so many entries (by half of them at least), and asserts that it holds and adds up."""
    began = time.perf_counter()
    accounts = [*book.others, *(each for pair in book.cold for each in pair)]
    posted = entries_of(book)
    fill(book_id=book.id, accounts=accounts, currency=CURRENCY, entries=max(entries - posted, entries // 2))
    seal(book_id=book.id)
    counting = time.perf_counter()
    make_checkpoints(limit=BATCH, many=1)
    counted_s = time.perf_counter() - counting
    there = entries_of(book)
    filled_s = time.perf_counter() - began
    with connection.cursor() as cursor:
        cursor.execute("VACUUM FULL ledger_entry")
        cursor.execute("VACUUM FULL ledger_line")
        cursor.execute("VACUUM ANALYZE")
        sizes = "SELECT pg_table_size(%s), pg_indexes_size(%s)"
        table_bytes = {}
        for table in ("ledger_entry", "ledger_line"):
            cursor.execute(sizes, [table, table])
            table_bytes[table], table_bytes[f"{table} indexes"] = cursor.fetchone()
        cursor.execute(
            "SELECT avg(length(key) + length(description) + length(reference_type) + length(reference_id)"
            " + length(request_id)) FROM ledger_entry"
        )
        characters = int(cursor.fetchone()[0])
    then = utc_now() - timedelta(days=DAYS / 2)
    now_s = _timed(lambda: _balanced(trial_balance(book_id=book.id)), max(rounds, 3) * 3)
    as_of_s = _timed(lambda: _balanced(trial_balance(book_id=book.id, effective_to=then)), rounds)
    verified_s = _timed(lambda: _holds(there), rounds)
    return Read(
        entries=there,
        filled_s=filled_s,
        now_ms=statistics.median(now_s) * 1e3,
        as_of_ms=statistics.median(as_of_s) * 1e3,
        verified_s=statistics.median(verified_s),
        counted_s=counted_s,
        accounts=len(trial_balance(book_id=book.id).rows),
        table_bytes=table_bytes,
        characters=characters,
    )


def _balanced(told: TrialBalance) -> None:
    [total] = told.totals
    if total.debits != total.credits or not total.debits.minor:
        raise RuntimeError(f"a trial balance of {total}")


def _holds(entries: int) -> None:
    verdict = verify_books()
    if verdict.faults or verdict.entries != entries or verdict.sealed != entries:
        raise RuntimeError(f"the books do not hold: {verdict}"[:1000])


def _timed(call: Callable[[], object], times: int) -> list[float]:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return took
