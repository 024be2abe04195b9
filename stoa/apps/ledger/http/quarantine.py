"""Routes of what was set aside, its cures, and the second person."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from stoa.apps.ledger.contracts import CURE, QuarantineView
from stoa.apps.ledger.domain import MOST_LINES
from stoa.apps.ledger.errors import (
    AccountClosed,
    AlreadyCured,
    AlreadyQuarantined,
    ControlAccount,
    InsufficientFunds,
    PeriodLocked,
    Unbalanced,
    UnknownAccount,
)
from stoa.apps.ledger.http.inputs import LineInput
from stoa.apps.ledger.queries import quarantine_of, quarantine_page
from stoa.apps.ledger.services import quarantine
from stoa.apps.ledger.services.journal import AskedEntry
from stoa.kit.errors import Missing
from stoa.platform.approvals.contracts import ApprovalView
from stoa.platform.approvals.errors import ApprovalDecided, ApprovalWaiting, OwnApproval
from stoa.platform.approvals.public import approval_page, grant, refuse
from stoa.platform.http.access import org
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.inputs import Id, Input, Moment, Text
from stoa.platform.http.pages import Page, PageQuery
from stoa.platform.http.views import Call

routes = Routes("ledger")
_QUARANTINE = "ledger/quarantine"
_RECORD = f"{_QUARANTINE}/<uuid:quarantine_id>"
_APPROVALS = "ledger/approvals"
_APPROVAL = f"{_APPROVALS}/<uuid:approval_id>"
_MAY = org("journal", "approve")


class QuarantineInput(Input):
    entry_id: Id
    reason: Text = Field(max_length=500)


class CureInput(Input):
    """An entry that makes good what is wrong; it bears the kind of the entry that it mends."""

    reason: Text = Field(max_length=500)
    lines: list[LineInput] = Field(min_length=2, max_length=MOST_LINES)
    effective_at: Moment | None = Field(None, description="When it took place; now, unless given.")
    description: str = Field("", max_length=500)

    def asked(self) -> AskedEntry:
        lines = [line.asked() for line in self.lines]
        return AskedEntry(lines=lines, effective_at=self.effective_at, description=self.description)


class ApprovalQuery(PageQuery):
    state: Literal["waiting", "granted", "refused"] | None = None


@routes.get(_QUARANTINE, access=org("journal", "read"), query=PageQuery, answer=QuarantineView, listed="keyset")
def list_quarantine(call: Call[None, PageQuery]) -> Page:
    """List the records that are set aside, latest first."""
    return quarantine_page(call.query, route=call.route)


@routes.post(
    _QUARANTINE,
    access=_MAY,
    body=QuarantineInput,
    answer=QuarantineView,
    status=201,
    raises=(Missing, AlreadyQuarantined),
)
def quarantine_entry(call: Call[QuarantineInput, None]) -> QuarantineView:
    """Set an entry aside: it stays in the books, and reports name it."""
    return quarantine.quarantine_entry(
        book_id=call.org_id, entry_id=call.body.entry_id, reason=call.body.reason, by=call.caller.user_id
    )


@routes.get(_RECORD, access=org("journal", "read"), answer=QuarantineView, raises=(Missing,))
def show_quarantine(call: Call[None, None], quarantine_id: UUID) -> QuarantineView:
    """Show a record that is set aside."""
    return quarantine_of(quarantine_id)


@routes.post(
    f"{_RECORD}/cure",
    access=_MAY,
    body=CureInput,
    answer=QuarantineView,
    raises=(
        *(Missing, AlreadyCured, ApprovalWaiting, ControlAccount, PeriodLocked, AccountClosed, InsufficientFunds),
        *(Unbalanced, UnknownAccount),
    ),
    idempotency="required",
)
def cure_record(call: Call[CureInput, None], quarantine_id: UUID) -> QuarantineView:
    """Post the cure of a record; above LEDGER_FOUR_EYES_ABOVE it waits for a second person."""
    return quarantine.cure_record(
        book_id=call.org_id,
        quarantine_id=quarantine_id,
        asked=call.body.asked(),
        reason=call.body.reason,
        key=call.idempotency_key,
        by=call.caller.user_id,
    )


@routes.get(_APPROVALS, access=_MAY, query=ApprovalQuery, answer=ApprovalView, listed="keyset")
def list_approvals(call: Call[None, ApprovalQuery]) -> Page:
    """List what a second person was asked for, latest first."""
    return approval_page(call.query, route=call.route, action=CURE, state=call.query.state or "")


@routes.post(
    f"{_APPROVAL}/grant",
    access=_MAY,
    answer=ApprovalView,
    raises=(Missing, OwnApproval, ApprovalDecided, AlreadyCured, PeriodLocked, AccountClosed, InsufficientFunds),
)
def grant_approval(call: Call[None, None], approval_id: UUID) -> ApprovalView:
    """Say yes to what somebody else asked: it is done now."""
    return grant(org_id=call.org_id, action=CURE, approval_id=approval_id, by=call.caller.user_id)


@routes.post(f"{_APPROVAL}/refuse", access=_MAY, answer=ApprovalView, raises=(Missing, OwnApproval, ApprovalDecided))
def refuse_approval(call: Call[None, None], approval_id: UUID) -> ApprovalView:
    """Say no to what somebody else asked."""
    return refuse(org_id=call.org_id, action=CURE, approval_id=approval_id, by=call.caller.user_id)
