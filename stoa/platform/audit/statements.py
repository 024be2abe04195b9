"""The trail's reads and batch writes for sealing, verifying and deleting. The same SQL on both databases."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from stoa.platform.audit.chain import GENESIS, ROW_FIELDS, Row
from stoa.platform.audit.models import AuditPurge, AuditSegment

_SEALING_LOCK = 0x41756469  # "Audi": one sealer at a time
_INSERT_SEALS = "INSERT INTO audit_seal (seq, record_id, mac) VALUES (%s, %s, %s)"
_INSERT_ALL_SEALS = """INSERT INTO audit_seal (seq, record_id, mac)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::varchar[])"""
_COLUMNS = ", ".join(f"record.{name}" for name in ROW_FIELDS)


@dataclass(frozen=True, slots=True)
class End:
    """Where the chain ends in the database: 0 and the genesis mac before the first row."""

    seq: int
    mac: str
    segment: bool
    """False where the last segment was deleted by retention, or there never was one."""


def lock_sealing() -> bool:
    """Inside a transaction. False: another process seals. SQLite's one writer lock is held already."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_SEALING_LOCK])
        return bool(cursor.fetchone()[0])


def pending_rows(limit: int) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM audit_pending AS pending "  # noqa: S608 - our own column names
            "JOIN audit_record AS record ON record.id = pending.record_id ORDER BY pending.record_id LIMIT %s",
            [limit],
        )
        return [row_of(values) for values in cursor.fetchall()]


def row_of(values: Sequence[Any]) -> Row:
    """From the columns of ROW_FIELDS as the driver gives them: SQLite's time is text."""
    number, at, *rest = values
    return Row(number, as_moment(at), *rest)


def as_moment(value: datetime) -> datetime:
    """SQLite's has no zone: Django stores UTC there."""
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


def end_of_chain() -> End:
    last = AuditSegment.objects.order_by("-last_seq").values_list("last_seq", "mac").first()
    if last is not None:
        return End(*last, segment=True)
    purged = AuditPurge.objects.order_by("-to_seq").values_list("to_seq", "mac").first()
    return End(*purged, segment=False) if purged is not None else End(0, GENESIS, segment=False)


def write_seals(seals: Sequence[tuple[int, int, str]]) -> None:
    """(seq, record id, mac) each; takes their records off the pending list."""
    numbers, ids, macs = (list(column) for column in zip(*seals, strict=True))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # One statement for a thousand rows: row by row they cost the server thirty times as much.
            cursor.execute(_INSERT_ALL_SEALS, [numbers, ids, macs])
            cursor.execute("DELETE FROM audit_pending WHERE record_id = ANY (%s::bigint[])", [ids])
            return
        cursor.executemany(_INSERT_SEALS, seals)
        cursor.executemany("DELETE FROM audit_pending WHERE record_id = %s", [(number,) for number in ids])


@contextmanager
def permit_to_delete(why: str) -> Iterator[None]:
    """Inside a transaction: DELETE passes the triggers until the block ends. On an error the rollback takes it back."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO audit_permit (why) VALUES (%s)", [why])
        yield
        cursor.execute("DELETE FROM audit_permit")
