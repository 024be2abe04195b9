"""The single sealer: chains committed rows and writes the chain's head outside the database.

Chaining inside the act's transaction would make every act wait for the one before it: measured, 7,636 acts a second
fell to 2,070. So an act that was committed less than a pass ago (1 s) is not yet vouched for.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from stoa.kit.clock import utc_now
from stoa.platform.audit.chain import Keys, Row, chain_keys, mac_of
from stoa.platform.audit.head import Head, head_path, read_head, set_aside, write_head
from stoa.platform.audit.models import AuditPurge, AuditSeal, AuditSegment, Severity
from stoa.platform.audit.recording import record
from stoa.platform.audit.statements import End, end_of_chain, lock_sealing, pending_rows, write_seals
from stoa.platform.db.transactions import transaction
from stoa.runtime.config.current import settings
from stoa.runtime.logs import get_logger
from stoa.runtime.pause_points import pause_point

SEAL_EVERY_S = 1
ROWS_AT_ONCE = 1000

log = get_logger(__name__)


class TrailCutOff(RuntimeError):
    """The head file knows rows that the database has not: the end was deleted, or an older state restored.

    Nothing is sealed until somebody has looked: sealing on would give the lost numbers to new rows."""


def seal_pending(*, path: Path | None = None, now: datetime | None = None) -> int:
    """Seal whatever is committed; returns how many rows. Idempotent; of two at once one does the work.

    Raises TrailCutOff, BrokenHead, OSError when the head cannot be written (the rows are sealed all the same)."""
    total = 0
    while True:
        sealed = _seal_some(path or head_path(), now or utc_now())
        total += sealed
        if sealed < ROWS_AT_ONCE:
            return total


def _seal_some(path: Path, now: datetime) -> int:
    keys = chain_keys()
    with transaction():
        if not lock_sealing():
            return 0
        rows, end = pending_rows(ROWS_AT_ONCE), end_of_chain()
        if rows:
            _refuse_cut_trail(path, end, keys)
            end = _chain(rows, end, keys, now)
        pause_point("audit.before_seal_commit")
    pause_point("audit.sealed")
    if rows or _is_behind(path, end, keys):
        write_head(path, Head(end.seq, end.mac), keys)
    return len(rows)


def _chain(rows: Sequence[Row], end: End, keys: Keys, now: datetime) -> End:
    seals, mac = [], end.mac
    for seq, row in enumerate(rows, start=end.seq + 1):
        mac = mac_of(row, seq=seq, previous=mac, key=keys.secrets[keys.first])
        seals.append((seq, row.id, mac))
    write_seals(seals)
    AuditSegment.objects.create(
        first_seq=end.seq + 1,
        last_seq=end.seq + len(rows),
        mac=mac,
        key_id=keys.first,
        newest_at=max(row.at for row in rows),
        sealed_at=now,
    )
    return End(end.seq + len(rows), mac, segment=True)


def _is_behind(path: Path, end: End, keys: Keys) -> bool:
    """Killed between commit and head, the last pass left the file behind; the next one mends that."""
    if not end.segment:
        return False
    head = read_head(path, keys)
    return head is None or (head.seq < end.seq and not cut_off(head, end))


def _refuse_cut_trail(path: Path, end: End, keys: Keys) -> None:
    head = read_head(path, keys)
    if head is None:
        if end.seq:
            log.warning("the audit trail has no head file yet, or lost it; a new one is written", path=str(path))
        return
    if cut_off(head, end):
        if settings().in_production:
            raise TrailCutOff(f"the head is row {head.seq}, the database ends at {end.seq}; see audit_verify --adopt")
        log.warning("the audit trail ends before its head file says; accepted outside production", path=str(path))
        set_aside(path)


def cut_off(head: Head, end: End) -> bool:
    """Whether the database lacks the row that the head names, or has another in its place."""
    if head.seq > end.seq:
        return True
    if AuditPurge.objects.filter(to_seq__gte=head.seq).exists():
        return False
    return not AuditSeal.objects.filter(seq=head.seq, mac=head.mac).exists()


def adopt_end(*, path: Path | None = None) -> Path | None:
    """After a restore: go on from where the database ends. The old head stays beside; the act is on the trail.

    Returns where the old head went, None if there was none."""
    place = path or head_path()
    kept = set_aside(place) if place.exists() else None
    with transaction():
        record(
            action="audit.end_adopted",
            object_type="audit_head",
            object_id=str(end_of_chain().seq),
            severity=Severity.CRITICAL,
            after={"old_head": kept.name if kept else ""},
        )
    seal_pending(path=place)
    return kept
