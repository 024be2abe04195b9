"""The look ahead on PostgreSQL: what holds is not asked again by name, and what does not is."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stoa.apps.ledger.contracts import credit, debit
from stoa.apps.ledger.services.checkpoints import make_checkpoints
from stoa.apps.ledger.services.outlook import OF_ENTRIES, outlook
from stoa.apps.ledger.services.posting import post_entry
from stoa.apps.ledger.services.sealing import seal_entries
from stoa.apps.ledger.services.verifying import verify_books
from stoa.apps.ledger.tests.factories import Books
from stoa.apps.ledger.tests.test_verifying import Scene, run, unguarded
from stoa.platform.outbox.values import stored_uuid

pytestmark = pytest.mark.django_db
SUMS = frozenset({"balance", "orphan_line", "checkpoint"})


def looks_ahead() -> bool:
    return connection.vendor == "postgresql"


def of_three_lines(books: Books) -> object:
    lines = (
        debit(books["cash"], 7, books.currency),
        debit(books["bank"], 3, books.currency),
        credit(books["equity"], 10, books.currency),
    )
    return post_entry(draft=books.draft(lines, description="Ж\\0")).entry_id


def found() -> set[tuple[str, str]]:
    return {(fault.kind, fault.subject) for fault in verify_books().faults}


def test_what_holds_is_asked_once() -> None:
    scene = Scene()
    make_checkpoints(limit=10)
    scene.books.move("cash", "equity", 5, description="beyond the checkpoint, Ж\\x00'")
    seal_entries()
    scene.books.move("cash", "equity", 5)  # has no number
    with CaptureQueriesContext(connection) as captured:
        assert verify_books().faults == ()
    asked = [query["sql"] for query in captured]
    assert sum("HAVING sum(line.side" in each for each in asked) == (1 if looks_ahead() else 2)  # a reversal's mirror
    if looks_ahead():
        ahead = outlook()
        assert (ahead.clean, ahead.clean_in_pairs, ahead.chain_length) == (OF_ENTRIES | SUMS, frozenset(), 7)


def test_an_entry_of_three_lines_is_asked_by_name() -> None:
    books = Books()
    books.move("cash", "equity", 5)
    three = of_three_lines(books)
    seal_entries()
    assert found() == set()
    if looks_ahead():
        ahead = outlook()
        assert (ahead.clean, ahead.clean_in_pairs, ahead.chain_length) == (SUMS, OF_ENTRIES, 2)
    with unguarded():
        run("UPDATE ledger_line SET memo = 'x' WHERE entry_id = %s AND amount_minor = 3", stored_uuid(three))  # type: ignore[arg-type]
        assert found() == {("digest", str(three))}


def test_a_line_too_few_here_and_one_too_many_there_do_not_make_up_for_each_other() -> None:
    books = Books()
    first, second = (books.move("cash", "equity", 5).entry_id for _ in range(2))
    seal_entries()
    with unguarded():
        run("UPDATE ledger_line SET entry_id = %s WHERE entry_id = %s AND side = 1", *map(stored_uuid, (first, second)))
        assert found() == {
            (kind, str(each)) for kind in ("unbalanced", "line_count", "digest") for each in (first, second)
        }


def test_the_options_it_asks_for_are_the_servers_again() -> None:
    if looks_ahead():
        names = ("jit", "work_mem", "enable_hashjoin", "enable_mergejoin", "max_parallel_workers_per_gather")
        before = [run(f"SHOW {name}") for name in names]
        outlook()
        assert [run(f"SHOW {name}") for name in names] == before
