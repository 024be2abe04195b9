"""Reads of the asks, in the scope of their organization."""

from uuid import UUID

from stoa.kit.errors import Missing
from stoa.platform.approvals.contracts import ApprovalView
from stoa.platform.approvals.models import Approval
from stoa.platform.http.pages import Page, PageQuery, keyset_page


def shaped(row: Approval) -> ApprovalView:
    return ApprovalView(
        id=row.pk,
        action=row.action,
        subject=row.subject,
        told=row.told,
        reason=row.reason,
        state=row.state,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
    )


def approval_view(approval_id: UUID) -> ApprovalView:
    """One query, in the scope in force. Raises Missing."""
    found = Approval.objects.filter(pk=approval_id).first()
    if found is None:
        raise Missing
    return shaped(found)


def approval_page(query: PageQuery, *, route: str, action: str, state: str = "") -> Page:
    """Of one action, latest first, in the scope in force. One query."""
    rows = Approval.objects.filter(action=action)
    if state:
        rows = rows.filter(state=state)
    return keyset_page(rows, query, route=route, order=("-id",), shape=shaped)
