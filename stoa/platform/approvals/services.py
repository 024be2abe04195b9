"""An ask is made, granted or refused. What a yes does runs in its transaction."""

from collections.abc import Mapping
from uuid import UUID

from django.db import IntegrityError

from stoa.kit.clock import utc_now
from stoa.kit.errors import Missing, Unavailable
from stoa.platform.approvals.contracts import ApprovalView, Executor, Granted
from stoa.platform.approvals.errors import ApprovalDecided, ApprovalWaiting, OwnApproval
from stoa.platform.approvals.models import Approval, ApprovalState
from stoa.platform.approvals.queries import approval_view
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.db.transactions import savepoint, transaction
from stoa.runtime.pause_points import pause_point

EXECUTORS: dict[str, Executor] = {}
"""By action; filled through approvals.public."""


def ask_second_person(
    *, org_id: UUID, action: str, subject: str, told: str, reason: str, asked_by: UUID, payload: Mapping[str, object]
) -> ApprovalView:
    """Let an act wait for somebody else's yes. In the caller's transaction, or its own; audited.

    `payload` is JSON: all that the executor needs to do it later. Raises ApprovalWaiting while the same waits."""
    with tenant_scope(org_id), transaction():
        # Looked for first: an insert would wait for whoever decides on it now, who may wait for what the caller locked.
        if _waits(action, subject):
            raise ApprovalWaiting
        row = Approval(
            org_id=org_id,
            action=action,
            subject=subject,
            told=told,
            reason=reason,
            asked_by=asked_by,
            payload=dict(payload),
        )
        try:
            with savepoint():
                row.save(force_insert=True)
        except IntegrityError:
            if _waits(action, subject):
                raise ApprovalWaiting from None
            raise
        _record("approvals.asked", row)
        return approval_view(row.pk)


def grant(*, org_id: UUID, action: str, approval_id: UUID, by: UUID) -> ApprovalView:
    """Say yes to an ask of this action, and do it; a refusal of the act leaves the ask waiting. Locks the ask first.

    Raises Missing, OwnApproval, ApprovalDecided, Unavailable without an executor, and what the act raises."""
    with tenant_scope(org_id), transaction():
        row = _decide(action, approval_id, ApprovalState.GRANTED, by)
        executor = EXECUTORS.get(row.action)
        if executor is None:
            raise Unavailable
        executor(
            granted=Granted(
                id=row.pk,
                org_id=org_id,
                subject=row.subject,
                reason=row.reason,
                payload=row.payload,
                asked_by=row.asked_by,
                decided_by=by,
            )
        )
        pause_point("approvals.executed")
        _record("approvals.granted", row)
        return approval_view(row.pk)


def refuse(*, org_id: UUID, action: str, approval_id: UUID, by: UUID) -> ApprovalView:
    """Say no: nothing happens, and the same may be asked again. Locks the ask.

    Raises Missing, OwnApproval, ApprovalDecided."""
    with tenant_scope(org_id), transaction():
        row = _decide(action, approval_id, ApprovalState.REFUSED, by)
        _record("approvals.refused", row)
        return approval_view(row.pk)


def _waits(action: str, subject: str) -> bool:
    return Approval.objects.filter(action=action, subject=subject, state=ApprovalState.WAITING).exists()


def _decide(action: str, approval_id: UUID, state: ApprovalState, by: UUID) -> Approval:
    rows = Approval.objects.filter(pk=approval_id, action=action)
    row = (rows if pause_point("approvals.lock") else rows.select_for_update(no_key=True)).first()
    if row is None:
        raise Missing
    pause_point("approvals.read")
    if row.state != ApprovalState.WAITING:
        raise ApprovalDecided
    if row.asked_by == by:
        raise OwnApproval
    row.state, row.decided_by, row.decided_at = state, by, utc_now()
    row.save(update_fields=["state", "decided_by", "decided_at"])
    return row


def _record(action: str, row: Approval) -> None:
    record(
        action=action,
        object_type="approval",
        object_id=row.pk,
        org_id=row.org_id,
        after={"action": row.action, "subject": row.subject, "reason": row.reason},
        severity=Severity.WARNING,
    )
