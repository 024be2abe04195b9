"""Routes of holds."""

from uuid import UUID

from stoa.apps.ledger.contracts import EntryView, HoldView
from stoa.apps.ledger.domain import api_key
from stoa.apps.ledger.errors import (
    AccountClosed,
    BalanceTooLarge,
    ControlAccount,
    CurrencyMismatch,
    HoldResolved,
    InsufficientFunds,
    KeyReused,
    PeriodLocked,
    Unbalanced,
    UnknownAccount,
)
from stoa.apps.ledger.http.inputs import EntryInput, HoldInput
from stoa.apps.ledger.queries import hold_of
from stoa.apps.ledger.services import holds, journal
from stoa.kit.errors import Missing
from stoa.platform.http.access import org
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.views import Call

routes = Routes("ledger")
_HOLDS = "ledger/holds"
_HOLD = f"{_HOLDS}/<uuid:hold_id>"


@routes.post(
    _HOLDS,
    access=org("journal", "post"),
    body=HoldInput,
    answer=HoldView,
    status=201,
    raises=(Missing, AccountClosed, ControlAccount, InsufficientFunds, KeyReused, CurrencyMismatch),
    idempotency="required",
)
def hold_funds(call: Call[HoldInput, None]) -> HoldView:
    """Promise part of what is available on an account."""
    return holds.hold_by_hand(
        book_id=call.org_id,
        account_id=call.body.account_id,
        amount=call.body.amount,
        key=api_key(call.idempotency_key),
        expires_at=call.body.expires_at,
    )


@routes.get(_HOLD, access=org("journal", "read"), answer=HoldView, raises=(Missing,))
def show_hold(call: Call[None, None], hold_id: UUID) -> HoldView:
    """Show a hold."""
    return hold_of(hold_id)


@routes.post(
    f"{_HOLD}/post",
    access=org("journal", "post"),
    body=EntryInput,
    answer=EntryView,
    status=201,
    raises=(
        *(Missing, HoldResolved, AccountClosed, ControlAccount, InsufficientFunds, PeriodLocked, BalanceTooLarge),
        *(Unbalanced, UnknownAccount, CurrencyMismatch, KeyReused),
    ),
    idempotency="required",
)
def post_hold(call: Call[EntryInput, None], hold_id: UUID) -> EntryView:
    """Take all or part of what is held by an entry; the rest is free again."""
    return journal.write_on_hold(
        book_id=call.org_id, hold_id=hold_id, asked=call.body.asked(), key=call.idempotency_key
    )


@routes.post(f"{_HOLD}/void", access=org("journal", "post"), answer=HoldView, raises=(Missing, HoldResolved))
def void_hold(call: Call[None, None], hold_id: UUID) -> HoldView:
    """Free what is held."""
    return holds.void_hold(book_id=call.org_id, hold_id=hold_id)
