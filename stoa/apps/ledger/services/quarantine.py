"""Records that failed a check are set aside, and cured by another entry. What is wrong stays where it is.

A cure is an ordinary balanced entry with a reason. It bears the kind of the entry that it mends, so that it reaches the
control accounts of that entry, and no others. Above LEDGER_FOUR_EYES_ABOVE it waits for a second person."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError

from stoa.apps.ledger.contracts import CURE, Draft, Fault, Line, QuarantineView, Side
from stoa.apps.ledger.domain import MANUAL, QUARANTINE, api_key, digest_of, sums_of
from stoa.apps.ledger.errors import AlreadyCured, AlreadyQuarantined, ControlAccount
from stoa.apps.ledger.events import RecordCured, RecordQuarantined
from stoa.apps.ledger.models import Account, Entry, Hold, Quarantined
from stoa.apps.ledger.models import Line as LineRow
from stoa.apps.ledger.queries import quarantine_view
from stoa.apps.ledger.services.journal import AskedEntry, read_lines
from stoa.apps.ledger.services.posting import lines_of, post_entry
from stoa.kit.clock import utc_now
from stoa.kit.errors import Missing
from stoa.kit.ids import parse_id
from stoa.kit.money import EXPONENTS
from stoa.platform.approvals.contracts import Granted
from stoa.platform.approvals.public import ask_second_person
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.tenant import across_tenants, tenant_scope
from stoa.platform.db.transactions import savepoint, transaction
from stoa.platform.outbox.publishing import publish
from stoa.runtime.config.current import settings
from stoa.runtime.pause_points import pause_point

BY_HAND = "by_hand"


class _Undone(Exception):
    """The end of a trial."""


def quarantine_entry(*, book_id: UUID, entry_id: UUID, reason: str, by: UUID) -> QuarantineView:
    """Set an entry aside by hand, because somebody knows more than the checks. Raises Missing, AlreadyQuarantined.

    Publishes RecordQuarantined; audited."""
    with tenant_scope(book_id), transaction():
        if not Entry.objects.filter(pk=entry_id).exists():
            raise Missing
        fault = Fault(kind=BY_HAND, subject=str(entry_id), told="somebody set it aside")
        made = _set_aside(book_id, fault, entry_id=entry_id, reason=reason, by=by)
        if made is None:
            raise AlreadyQuarantined
        return quarantine_view(made)


def quarantine_faults(*, faults: Iterable[Fault]) -> int:
    """Set aside each entry, account, hold or line that failed a check; how many were not yet. For the sweep.

    A fault of the chain or of a key is no record's and stays in the log. Idempotent. Publishes RecordQuarantined."""
    count = 0
    for fault in faults:
        owner = _owner_of(fault)
        if owner is None:
            continue
        book_id, entry_id = owner
        with tenant_scope(book_id), transaction():
            count += _set_aside(book_id, fault, entry_id=entry_id, reason="", by=None) is not None
    return count


def cure_record(
    *, book_id: UUID, quarantine_id: UUID, asked: AskedEntry, reason: str, key: str, by: UUID
) -> QuarantineView:
    """Post what makes a quarantined record good; `key` is the request's Idempotency-Key. Locks the record, then as
    `post_entry`. Above LEDGER_FOUR_EYES_ABOVE nothing is posted yet: a second person is asked, once it was tried.

    The same key once more answers as before, once it is cured. Raises Missing, AlreadyCured, ControlAccount, ApprovalWaiting, and what
    `post_entry` raises. Publishes RecordCured; audited."""
    with tenant_scope(book_id), transaction():
        row = _locked(quarantine_id)
        if row.cure is not None and row.cure.key != api_key(key):
            raise AlreadyCured
        draft = _draft(row, asked, api_key(key))
        if row.cure is not None:
            post_entry(draft=draft)  # raises KeyReused for another content
        elif _wants_four_eyes(draft.lines):
            _try(draft)
            ask = ask_second_person(
                org_id=book_id,
                action=CURE,
                subject=str(row.pk),
                told=f"Post a cure of {len(draft.lines)} lines for {row.kind} {row.subject}",
                reason=reason,
                asked_by=by,
                payload=_written(draft),
            )
            row.approval_id = ask.id
            row.save(update_fields=["approval_id"])
        else:
            _cure(row, draft, reason=reason, by=by)
        return quarantine_view(row)


def known_faults(*, faults: Sequence[Fault], book_id: UUID | None) -> frozenset[Fault]:
    """Those of entries that were cured and are as they were then. Nothing else is ever known: an entry cannot make good
    a balance or a hold that differs, and what changed once more was not cured. One query, and two for each of them."""
    with across_tenants("cures in the books that are checked") if book_id is None else tenant_scope(book_id):
        rows = Quarantined.objects.filter(cure__isnull=False, entry_id__isnull=False)
        cured = {
            (kind, subject): (entry_id, bytes(digest or b""))
            for kind, subject, entry_id, digest in rows.filter(
                subject__in={fault.subject for fault in faults}
            ).values_list("kind", "subject", "entry_id", "cured_digest")
        }
        found = set()
        for fault in faults:
            entry_id, digest = cured.get((fault.kind, fault.subject), (None, b""))
            if entry_id is not None and digest and digest == _present_digest(entry_id):
                found.add(fault)
        return frozenset(found)


def count_set_aside(*, book_id: UUID | None) -> int:
    """How many records are set aside, so that a check that names only so many looks beyond them. One query."""
    with across_tenants("records of the books that are checked") if book_id is None else tenant_scope(book_id):
        return Quarantined.objects.count()


def cure_on_approval(*, granted: Granted) -> None:
    """The executor of CURE: in the transaction of the yes. Raises as `cure_record`."""
    row = _locked(UUID(granted.subject))
    if row.cure is not None:
        raise AlreadyCured
    _cure(row, _read(granted.payload), reason=granted.reason, by=granted.asked_by)


def _set_aside(
    book_id: UUID, fault: Fault, *, entry_id: UUID | None, reason: str, by: UUID | None
) -> Quarantined | None:
    """None where it stands there already."""
    row = Quarantined(
        book_id=book_id,
        kind=fault.kind,
        subject=fault.subject,
        entry_id=entry_id,
        told=fault.told,
        reason=reason,
        quarantined_by=by,
    )
    if Quarantined.objects.filter(kind=fault.kind, subject=fault.subject).exists():
        return None
    try:
        with savepoint():
            row.save(force_insert=True)
    except IntegrityError:
        if Quarantined.objects.filter(kind=fault.kind, subject=fault.subject).exists():
            return None
        raise
    row.refresh_from_db()
    _record("ledger.record_quarantined", row, {"check": fault.kind, "subject": fault.subject, "reason": reason})
    publish(RecordQuarantined(book_id=book_id, quarantine_id=row.pk, kind=fault.kind, subject=fault.subject))
    return row


def _owner_of(fault: Fault) -> tuple[UUID, UUID | None] | None:
    """The book of what a fault names, and its id if it is an entry."""
    with across_tenants("a fault names a record of any book"):
        if fault.kind == "orphan_line":
            line = LineRow.objects.filter(pk=int(fault.subject)).values_list("account__book_id", flat=True).first()
            return None if line is None else (line, None)
        wanted = parse_id(fault.subject)
        if wanted is None:
            return None
        book = Entry.objects.filter(pk=wanted).values_list("book_id", flat=True).first()
        if book is not None:
            return book, wanted
        for model in (Account, Hold):
            book = model.objects.filter(pk=wanted).values_list("book_id", flat=True).first()
            if book is not None:
                return book, None
    return None


def _locked(quarantine_id: UUID) -> Quarantined:
    rows = Quarantined.objects.filter(pk=quarantine_id)
    row = (rows if pause_point("ledger.lock_quarantine") else rows.select_for_update(no_key=True)).first()
    if row is None:
        raise Missing
    pause_point("ledger.quarantine_read")
    return row


def _draft(row: Quarantined, asked: AskedEntry, key: str) -> Draft:
    """Raises ControlAccount for one that the quarantined entry did not touch, and as `read_lines`."""
    lines = read_lines(asked=asked.lines)
    entry = Entry.objects.filter(pk=row.entry_id).first() if row.entry_id is not None else None
    guarded = set(
        Account.objects.filter(pk__in={line.account_id for line in lines})
        .exclude(owner="")
        .values_list("pk", flat=True)
    )
    if entry is not None and guarded:
        guarded -= set(LineRow.objects.filter(entry_id=entry.pk).values_list("account_id", flat=True))
    if guarded:
        raise ControlAccount
    return Draft(
        book_id=row.book_id,
        kind=entry.kind if entry is not None else MANUAL,
        key=key,
        effective_at=asked.effective_at,
        lines=lines,
        description=asked.description,
        reference_type=QUARANTINE,
        reference_id=str(row.pk),
    )


def _wants_four_eyes(lines: Iterable[Line]) -> bool:
    most = settings().ledger_four_eyes_above
    return any(sums.debits > most * 10 ** EXPONENTS[currency] for currency, sums in sums_of(lines).items())


def _try(draft: Draft) -> None:
    """Who asks hears now what a yes would run into."""
    try:
        with savepoint():
            post_entry(draft=draft)
            raise _Undone
    except _Undone:
        return


def _cure(row: Quarantined, draft: Draft, *, reason: str, by: UUID) -> None:
    posted = post_entry(draft=draft)
    row.cure_id, row.cure_reason, row.cured_by, row.cured_at = posted.entry_id, reason, by, utc_now()
    row.cured_digest = _present_digest(row.entry_id)
    row.save(update_fields=["cure", "cure_reason", "cured_by", "cured_at", "cured_digest"])
    _record("ledger.record_cured", row, {"entry": str(posted.entry_id), "reason": reason})
    publish(RecordCured(book_id=row.book_id, quarantine_id=row.pk, entry_id=posted.entry_id))
    pause_point("ledger.cured")


def _present_digest(entry_id: UUID | None) -> bytes | None:
    """Of what stands in the tables now, whatever its own digest says. In the scope in force."""
    entry = Entry.objects.filter(pk=entry_id).first() if entry_id is not None else None
    if entry is None:
        return None
    return digest_of(
        Draft(
            book_id=entry.book_id,
            kind=entry.kind,
            key=entry.key,
            effective_at=entry.effective_at,
            lines=tuple(lines_of(entry_id=entry.pk)),
            description=entry.description,
            reference_type=entry.reference_type,
            reference_id=entry.reference_id,
            reverses_id=entry.reverses_id,
        )
    )


def _written(draft: Draft) -> dict[str, object]:
    return {
        "book_id": str(draft.book_id),
        "kind": draft.kind,
        "key": draft.key,
        "effective_at": draft.effective_at.isoformat() if draft.effective_at is not None else None,
        "lines": [
            [str(line.account_id), int(line.side), line.amount_minor, line.currency, line.memo] for line in draft.lines
        ],
        "description": draft.description,
        "reference_id": draft.reference_id,
    }


def _read(payload: Mapping[str, Any]) -> Draft:
    at = payload["effective_at"]
    return Draft(
        book_id=UUID(payload["book_id"]),
        kind=payload["kind"],
        key=payload["key"],
        effective_at=datetime.fromisoformat(at) if at is not None else None,
        lines=tuple(
            Line(UUID(account), Side(side), minor, currency, memo)
            for account, side, minor, currency, memo in payload["lines"]
        ),
        description=payload["description"],
        reference_type=QUARANTINE,
        reference_id=payload["reference_id"],
    )


def _record(action: str, row: Quarantined, after: Mapping[str, object]) -> None:
    record(
        action=action,
        object_type="ledger_quarantine",
        object_id=row.pk,
        org_id=row.book_id,
        after=after,
        severity=Severity.WARNING,
    )
