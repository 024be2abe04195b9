"""A great many entries by set-based SQL, through every trigger, and their seals by the sealer's own rule.

What post_entry would have posted: lines before their entries, digests as the verifier spells them. No outbox rows."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from stoa.apps.ledger.domain import sealed
from stoa.apps.ledger.services.sealing import GENESIS
from stoa.apps.ledger.services.verifying import _FIELD, _SPELLED_HEAD
from stoa.platform.db.transactions import transaction

AT_ONCE = 50_000
DAYS = 365
REQUEST_ID = "0198c0de-0000-7000-8000-000000000002"

_ROWS = """CREATE TEMP TABLE made ON COMMIT DROP AS
SELECT number,
  -- UUIDv7: 48 bits of milliseconds, the version, then what looks random.
  (lpad(to_hex(%(first_ms)s + number), 12, '0') || '7' || substr(md5('a' || number), 1, 3)
    || '8' || substr(md5('b' || number), 1, 15))::uuid AS id,
  %(book)s::uuid AS book_id, 'manual'::text AS kind, md5('key' || number)::uuid::text AS key,
  date_trunc('second', now()) - interval '1 day' * %(days)s * (1 - number::float / %(in_all)s) AS effective_at,
  'Sale ' || lpad(number::text, 7, '0') AS description, 'order'::text AS reference_type,
  md5('order' || number)::uuid::text AS reference_id, NULL::uuid AS reverses_id,
  (%(accounts)s::uuid[])[1 + number %% %(count)s] AS debited,
  (%(accounts)s::uuid[])[1 + (number * 7 + 1 + number / %(count)s) %% %(count)s] AS credited,
  (1250 + number %% 9973)::bigint AS amount_minor
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS number"""
_APART = """UPDATE made SET credited = (%(accounts)s::uuid[])[1 + (number + 1) %% %(count)s] WHERE credited = debited"""
_LINES = """INSERT INTO ledger_line (entry_id, account_id, side, amount_minor, currency, memo)
SELECT id, account_id, side, amount_minor, %(currency)s, '' FROM (
  SELECT number, id, debited AS account_id, 1 AS side, amount_minor FROM made
  UNION ALL SELECT number, id, credited, -1, amount_minor FROM made
) AS line ORDER BY number, side DESC"""
_SPELLED = " || ".join(
    _FIELD.format(each)
    for side, account in (("1", "debited"), ("-1", "credited"))
    for each in (f"entry.{account}::text", f"'{side}'", "entry.amount_minor::text", "%(currency)s::text", "''")
)
_ENTRIES = f"""INSERT INTO ledger_entry (id, book_id, kind, key, effective_at, description, reference_type, reference_id,
  request_id, reverses_id, line_count, digest)
SELECT id, book_id, kind, key, effective_at, description, reference_type, reference_id, %(request)s, reverses_id, 2,
  sha256({_SPELLED_HEAD} || {_SPELLED}) FROM made AS entry ORDER BY number"""


def fill(*, book_id: UUID, accounts: Sequence[UUID], currency: str, entries: int) -> None:
    """Entries of two lines, spread over a year up to now and over the accounts. Each commit checks its late lines."""
    values: dict[str, Any] = {
        "book": book_id,
        "accounts": list(accounts),
        "count": len(accounts),
        "currency": currency,
        "days": DAYS,
        "in_all": entries,
        "request": REQUEST_ID,
        "first_ms": 1_750_000_000_000,
    }
    for first in range(1, entries + 1, AT_ONCE):
        values |= {"first": first, "last": min(entries, first + AT_ONCE - 1)}
        with transaction(), connection.cursor() as cursor:
            for statement in (_ROWS, _APART, _LINES, _ENTRIES):
                cursor.execute(statement, values)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE ledger_entry, ledger_line")


def seal(*, book_id: UUID) -> None:
    """What `seal_entries` does, a book at a time and by COPY: a thousand passes of it would take minutes."""
    with transaction(), connection.cursor() as cursor:
        cursor.execute(
            """SELECT entry.id, entry.digest FROM ledger_unsealed AS unsealed
            JOIN ledger_entry AS entry ON entry.id = unsealed.entry_id
            WHERE unsealed.book_id = %s ORDER BY entry.recorded_at, entry.id""",
            [book_id],
        )
        waiting = cursor.fetchall()
        chain = GENESIS
        with cursor.copy("COPY ledger_seal (book_id, seq, entry_id, hash) FROM STDIN") as copy:
            for seq, (entry_id, digest) in enumerate(waiting, 1):
                chain = sealed(chain, seq, entry_id, bytes(digest))
                copy.write_row((book_id, seq, entry_id, chain))
        cursor.execute("DELETE FROM ledger_unsealed WHERE book_id = %s", [book_id])
