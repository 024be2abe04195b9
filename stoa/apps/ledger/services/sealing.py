"""The sealer: committed entries get their number and their place in their book's chain.

Not inside the posting: a gapless number there makes every posting wait for the one before it (measured: 59 a second
with 8 clients). So an entry that was committed less than a pass ago has no number yet, and reports call it provisional."""

from uuid import UUID

from django.db import connection

from stoa.apps.ledger.domain import sealed
from stoa.apps.ledger.models import Entry, Seal, Unsealed
from stoa.platform.db.tenant import across_tenants, tenant_scope
from stoa.platform.db.transactions import transaction
from stoa.runtime.pause_points import pause_point

SEAL_EVERY_S = 1
AT_ONCE = 1000
GENESIS = bytes(32)


def seal_entries(*, limit: int = AT_ONCE) -> int:
    """Seal what is committed, book by book; how many. Idempotent; of two at once one does the work of a book.

    Locks the book's chain. In one pass entries are numbered by when they were recorded."""
    with across_tenants("books with entries that wait for their number"):
        books = list(Unsealed.objects.order_by().values_list("book_id", flat=True).distinct()[:limit])
    return sum(_seal_book(book_id, limit) for book_id in books)


def _seal_book(book_id: UUID, limit: int) -> int:
    with tenant_scope(book_id), transaction():
        if not _lock(book_id):
            return 0
        waiting = list(Unsealed.objects.values_list("pk", flat=True)[:limit])
        entries = list(Entry.objects.filter(pk__in=waiting).order_by("recorded_at", "pk").values_list("pk", "digest"))
        last = Seal.objects.order_by("-seq").first()
        pause_point("ledger.chain_read")
        seq, chain = (last.seq, bytes(last.hash)) if last is not None else (0, GENESIS)
        seals = []
        for entry_id, digest in entries:
            seq += 1
            chain = sealed(chain, seq, entry_id, bytes(digest))
            seals.append(Seal(book_id=book_id, seq=seq, entry_id=entry_id, hash=chain))
        Seal.objects.bulk_create(seals)
        # Only those that got a seal: one whose entry is gone stays, and `ledger_verify` names it.
        Unsealed.objects.filter(pk__in=[entry_id for entry_id, _ in entries]).delete()
        pause_point("ledger.before_seal_commit")
    return len(seals)


def _lock(book_id: UUID) -> bool:
    if connection.vendor != "postgresql" or pause_point("ledger.lock_chain"):
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 6023))", [str(book_id)])
        return bool(cursor.fetchone()[0])
