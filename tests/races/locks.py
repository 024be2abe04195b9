"""Locks of the ledger's functions, and how a twin does without them. A book's rows, counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection

from stoa.apps.ledger.models import Balance, Entry
from stoa.apps.ledger.services.sealing import seal_entries
from stoa.apps.ledger.services.verifying import verify_books
from stoa.apps.ledger.tests.factories import Books
from stoa.platform.db.tenant import tenant_scope

ORDER = "PERFORM 1 FROM ledger_balance WHERE account_id = ANY (p_accounts) ORDER BY account_id FOR NO KEY UPDATE;"
KEY = """PERFORM pg_advisory_xact_lock(wanted.lock)
    FROM (SELECT hashtextextended(p_book::text || each, 6022) AS lock FROM unnest(p_keys) AS each ORDER BY 1) AS wanted;"""
SHARED = "PERFORM pg_advisory_xact_lock_shared(hashtextextended({book}::text, 6021));"
MEET = """PERFORM nextval('public.race_meeting');
  FOR each_look IN 1..1000 LOOP
    EXIT WHEN (SELECT last_value >= {parties} FROM public.race_meeting);
    PERFORM pg_sleep(0.01);
  END LOOP;"""
"""Waits in the database until `parties` transactions are here: a sequence is seen before anything commits."""


@contextmanager
def without(changes: dict[str, dict[str, str]]) -> Iterator[None]:
    """The functions as they are, but for these parts of them, and a place to meet; all put back at the end."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE SEQUENCE public.race_meeting MINVALUE 0 START 0")
        cursor.execute("SELECT nextval('public.race_meeting')")
        try:
            for function, parts in changes.items():
                changed = function
                for part, instead in parts.items():
                    assert part in function
                    changed = changed.replace(part, instead)
                cursor.execute(changed)
            yield
        finally:
            for function in changes:
                cursor.execute(function)
            cursor.execute("DROP SEQUENCE public.race_meeting")


def balance(books: Books, account: UUID) -> int:
    with tenant_scope(books.id):
        return Balance.objects.get(pk=account).posted_minor


def count(books: Books) -> int:
    with tenant_scope(books.id):
        return Entry.objects.count()


def seal_all() -> None:
    while seal_entries():
        pass


def holds(books: Books) -> None:
    seal_all()
    assert verify_books(book_id=books.id).faults == ()


def faults(books: Books) -> set[str]:
    return {fault.kind for fault in verify_books(book_id=books.id).faults}
