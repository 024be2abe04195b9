"""Going over the whole trail: every sealed row against the chain, its detail against its digest, the end against the head.

Finds any changed, removed, inserted or re-ordered row among those sealed. It cannot know of a row that vanished,
together with its place on the pending list, before it was sealed (up to a second after its commit).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.models import Max, Model

from stoa.kit.clock import isoformat, utc_now
from stoa.platform.audit.chain import GENESIS, ROW_FIELDS, Keys, Row, chain_keys, digest_of, mac_of, sign
from stoa.platform.audit.head import BrokenHead, Head, head_path, read_head
from stoa.platform.audit.models import AuditPurge, AuditRecord, AuditSeal, AuditSegment
from stoa.platform.audit.statements import row_of

_AT_ONCE = 2000
_LONGEST_WAIT = timedelta(minutes=10)
ERASED = "audit.details_erased"

_COLUMNS = ", ".join(f"record.{name}" for name in ROW_FIELDS)
_SEALED = f"""SELECT seal.seq, seal.record_id, seal.mac, detail.salt, detail.payload, {_COLUMNS}
FROM audit_seal AS seal LEFT JOIN audit_record AS record ON record.id = seal.record_id
LEFT JOIN audit_detail AS detail ON detail.record_id = seal.record_id
WHERE seal.seq > %s AND seal.seq <= %s ORDER BY seal.seq LIMIT %s"""  # noqa: S608 - our own column names
_UNKNOWN = """SELECT min(record.id) FROM audit_record AS record
WHERE NOT EXISTS (SELECT 1 FROM audit_seal AS seal WHERE seal.record_id = record.id)
AND NOT EXISTS (SELECT 1 FROM audit_pending AS pending WHERE pending.record_id = record.id)"""
_GONE = """SELECT min(pending.record_id) FROM audit_pending AS pending
WHERE NOT EXISTS (SELECT 1 FROM audit_record AS record WHERE record.id = pending.record_id)"""
_STRAY_DETAIL = """SELECT min(detail.record_id) FROM audit_detail AS detail
WHERE NOT EXISTS (SELECT 1 FROM audit_record AS record WHERE record.id = detail.record_id)"""


class Broken(Exception):
    """The first place where the trail does not hold; the text names the row."""


@dataclass(slots=True)
class Report:
    """`fault` is empty where everything holds."""

    rows: int = 0
    pending: int = 0
    fault: str = ""
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Sealed:
    seq: int
    record_id: int
    mac: str
    salt: str | None
    payload: str | None
    row: Row | None


@dataclass(slots=True)
class _Walk:
    """Where the check stands in the chain."""

    keys: Keys
    seq: int
    mac: str
    erased: dict[str, int]


def verify(*, path: Path | None = None, now: datetime | None = None) -> Report:
    """Read everything once, in chunks. Writes nothing; may run beside the sealer, not beside retention."""
    report = Report()
    try:
        _verify(report, path or head_path(), now or utc_now())
    except Broken as fault:
        report.fault = str(fault)
    return report


def _verify(report: Report, path: Path, now: datetime) -> None:
    keys = chain_keys()
    # Before the database: what is sealed meanwhile lies beyond it.
    head = _head(path, keys, report)
    last = max(_largest(AuditSegment, "last_seq"), _largest(AuditSeal, "seq"))
    start = _start(keys)
    walk = _Walk(keys, start.seq, start.mac, _erasures())
    head_mac = start.mac if head is not None and head.seq == start.seq else ""
    segments = _segments(start.seq, last, keys)
    segment = next(segments, None)
    for sealed in _rows(start.seq, last):
        if segment is None:
            raise Broken(
                f"row {sealed.seq} (record {sealed.record_id}) lies in no segment: inserted, or its segment removed"
            )
        _check(walk, sealed, keys.secrets[segment.key_id])
        report.rows += 1
        if head is not None and head.seq == sealed.seq:
            head_mac = sealed.mac
        if sealed.seq == segment.last_seq:
            if segment.mac != sealed.mac:
                raise Broken(f"row {sealed.seq} (record {sealed.record_id}) is not what its segment ended with")
            segment = next(segments, None)
    if segment is not None:
        raise Broken(f"row {walk.seq + 1} was removed: its segment goes on to row {segment.last_seq}")
    if head is not None and head.seq >= start.seq and head_mac != head.mac:
        raise Broken(_short(walk.seq, head))
    _check_loose_rows(report, now)


def _largest(model: type[Model], number: str) -> int:
    found: int | None = model._default_manager.aggregate(largest=Max(number))["largest"]
    return found or 0


def _short(seq: int, head: Head) -> str:
    if head.seq > seq:
        return f"row {seq + 1} was removed: the trail ends at row {seq}, its head file says {head.seq}"
    return f"row {head.seq} is not the one that the head file names"


def _head(path: Path, keys: Keys, report: Report) -> Head | None:
    try:
        head = read_head(path, keys)
    except BrokenHead as error:
        raise Broken(f"the head file cannot be believed: {error}") from error
    if head is None:
        report.remarks.append(f"no head file at {path}: whether the end is missing cannot be told")
    return head


def _start(keys: Keys) -> Head:
    """Behind what retention deleted, by its signed word."""
    purge = AuditPurge.objects.order_by("-to_seq").first()
    if purge is None:
        return Head(0, GENESIS)
    secret = keys.secrets.get(purge.key_id)
    if secret is None or sign(["purge", purge.to_seq, purge.mac], key=secret) != purge.signature:
        raise Broken(f"rows up to {purge.to_seq} are gone, and not by retention: its word is not signed by AUDIT_KEY")
    return Head(purge.to_seq, purge.mac)


def _erasures() -> dict[str, int]:
    """Whose details were erased: the id of the last record that says so, by the person's id."""
    said = AuditRecord.objects.filter(action=ERASED).order_by("id").values_list("object_id", "id")
    return dict(said.iterator())


def _segments(after: int, last: int, keys: Keys) -> Iterator[AuditSegment]:
    expected = after + 1
    for segment in (
        AuditSegment.objects.filter(first_seq__gt=after, last_seq__lte=last).order_by("first_seq").iterator()
    ):
        if segment.first_seq != expected:
            raise Broken(f"row {expected} lies in no segment: the next begins at row {segment.first_seq}")
        if segment.key_id not in keys.secrets:
            raise Broken(f"row {expected} was sealed under another key: name it in AUDIT_KEY, behind the present one")
        expected = segment.last_seq + 1
        yield segment


def _rows(after: int, last: int) -> Iterator[_Sealed]:
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_SEALED, [after, last, _AT_ONCE])
            found: list[tuple[Any, ...]] = cursor.fetchall()
        for seq, record_id, mac, salt, payload, *values in found:
            row = row_of(values) if values[0] is not None else None
            yield _Sealed(seq, record_id, mac, salt, payload, row)
        if len(found) < _AT_ONCE:
            return
        after = found[-1][0]


def _check(walk: _Walk, sealed: _Sealed, key: bytes) -> None:
    name = f"row {sealed.seq} (record {sealed.record_id})"
    if sealed.seq != walk.seq + 1:
        raise Broken(f"row {walk.seq + 1} was removed: row {sealed.seq} follows row {walk.seq}")
    if sealed.row is None:
        raise Broken(f"{name} was removed")
    if mac_of(sealed.row, seq=sealed.seq, previous=walk.mac, key=key) != sealed.mac:
        raise Broken(f"{name} was changed, inserted or moved")
    if sealed.payload is None or sealed.salt is None:
        if sealed.row.digest and not _was_erased(walk, sealed.row):
            raise Broken(f"{name}: its detail was removed, and no erasure says so")
    elif digest_of(sealed.salt, sealed.payload) != sealed.row.digest:
        raise Broken(f"{name}: its detail was changed")
    walk.seq, walk.mac = sealed.seq, sealed.mac


def _was_erased(walk: _Walk, row: Row) -> bool:
    return any(walk.erased.get(person, 0) > row.id for person in (row.actor_id, row.object_id) if person)


def _check_loose_rows(report: Report, now: datetime) -> None:
    for statement, sentence in (
        (_UNKNOWN, "record {} was inserted: it is neither sealed nor waiting to be"),
        (_GONE, "record {} was removed before it was sealed"),
        (_STRAY_DETAIL, "the detail of record {} has no record"),
    ):
        with connection.cursor() as cursor:
            cursor.execute(statement)
            found = cursor.fetchone()[0]
        if found is not None:
            raise Broken(sentence.format(found))
    _check_pending(report, now)


def _check_pending(report: Report, now: datetime) -> None:
    """A row that the sealer passed by for minutes was not there: its time is made up, or its transaction very long."""
    waiting = AuditRecord.objects.raw(
        "SELECT record.id, record.at FROM audit_record AS record "
        "JOIN audit_pending AS pending ON pending.record_id = record.id ORDER BY record.at, record.id"
    )
    oldest = None
    for row in waiting:
        oldest = oldest or row
        report.pending += 1
    if oldest is None:
        return
    sealed = AuditSegment.objects.order_by("-last_seq").values_list("sealed_at", flat=True).first()
    if sealed is not None and sealed - oldest.at > _LONGEST_WAIT:
        raise Broken(
            f"record {oldest.pk} says {isoformat(oldest.at)}, and the sealer did not see it until {isoformat(sealed)}"
        )
    if now - oldest.at > _LONGEST_WAIT:
        report.remarks.append(
            f"{report.pending} rows wait to be sealed, since {isoformat(oldest.at)}: is a worker running?"
        )
