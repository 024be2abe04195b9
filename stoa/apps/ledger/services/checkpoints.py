"""Turnovers by day, so that a balance of some past instant needs no sum over every line. See `Checkpoint`."""

from datetime import UTC, datetime, time
from typing import Any

from django.db import connection

from stoa.kit.clock import utc_now
from stoa.platform.db.rows import fetch_rows
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.values import read_uuid, stored_time
from stoa.runtime.logs import get_logger
from stoa.runtime.pause_points import pause_point

log = get_logger(__name__)
MANY = 10_000
"""Entries without a checkpoint that are worth one before the day is over: an as-of report reads each of them."""

_DUE = """SELECT known.id, known.after, known.head FROM (
  SELECT book.id,
    coalesce((SELECT max(sealed_to) FROM ledger_checkpoint WHERE book_id = book.id), 0) AS after,
    coalesce((SELECT max(seq) FROM ledger_seal WHERE book_id = book.id), 0) AS head,
    (SELECT max(made_at) FROM ledger_checkpoint WHERE book_id = book.id) AS made_at
  FROM ledger_book AS book
) AS known WHERE known.head > known.after
  AND (known.made_at IS NULL OR known.made_at < %s OR known.head - known.after >= %s)
ORDER BY known.id LIMIT %s"""
_MAKE = """INSERT INTO ledger_checkpoint (book_id, sealed_after, sealed_to, made_at, is_counting)
SELECT %s, %s, %s, {now}, {true} WHERE (SELECT count(*) FROM ledger_seal
  WHERE book_id = %s AND seq > %s AND seq <= %s) = %s ON CONFLICT DO NOTHING"""


def make_checkpoints(*, limit: int, many: int = MANY) -> int:
    """One for each book that has none of today (UTC) or `many` entries beyond its last; how many. Idempotent.

    Of two at once one makes it. A book whose numbers have a gap gets none: `ledger_verify` names the gap."""
    midnight = datetime.combine(utc_now().date(), time(), tzinfo=UTC)
    due = fetch_rows(_DUE, [stored_time(midnight), many, limit])
    return sum(_make(*row) for row in due)


def _make(book: Any, after: int, head: int) -> int:
    on_sqlite = connection.vendor == "sqlite"
    now, true = ("strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')", "1") if on_sqlite else ("now()", "true")
    with transaction(), connection.cursor() as cursor:
        cursor.execute(_MAKE.format(now=now, true=true), [book, after, head, book, after, head, head - after])
        made = int(cursor.rowcount)
        pause_point("ledger.before_checkpoint_commit")
    if not made:
        log.warning("no checkpoint: another was faster, or a number is missing", book_id=str(read_uuid(book)))
    return made
