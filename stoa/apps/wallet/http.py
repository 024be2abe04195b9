"""Routes of wallets."""

from uuid import UUID

from pydantic import Field

from stoa.apps.ledger.contracts import AccountLine
from stoa.apps.ledger.errors import InsufficientFunds, KeyReused
from stoa.apps.wallet.contracts import Moved, StandingView, WalletView
from stoa.apps.wallet.errors import NoSuchRecipient, OverRefund, OwnWallet, TransferLimit, WalletSuspended
from stoa.apps.wallet.queries import own_entries, own_wallet
from stoa.apps.wallet.services import coins, wallets
from stoa.kit.errors import Missing
from stoa.platform.http.access import SIGNED_IN, staff
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.inputs import Input, MoneyInput, Text
from stoa.platform.http.pages import Page, PageQuery
from stoa.platform.http.views import Call

routes = Routes("wallet")


class TransferInput(Input):
    recipient: Text = Field(max_length=60, description="A handle, or an account key such as user:<id>.")
    amount: MoneyInput


class SpendInput(Input):
    amount: MoneyInput
    reference_type: str = Field("", max_length=40, pattern="^[a-z_]*$")
    reference_id: str = Field("", max_length=64, pattern="^[A-Za-z0-9_-]*$")


class RefundInput(Input):
    amount: MoneyInput


class WalletReasonInput(Input):
    reason: Text


@routes.get("wallet", access=SIGNED_IN, answer=WalletView)
def show_wallet(call: Call[None, None]) -> WalletView:
    """Show one's own wallet."""
    return own_wallet(call.caller.user_id)


@routes.get("wallet/entries", access=SIGNED_IN, query=PageQuery, answer=AccountLine, listed="keyset")
def list_wallet_entries(call: Call[None, PageQuery]) -> Page:
    """List what moved in one's own wallet, last first."""
    return own_entries(call.caller.user_id, call.query, route=call.route)


@routes.post(
    "wallet/transfers",
    access=SIGNED_IN,
    body=TransferInput,
    answer=Moved,
    status=201,
    raises=(NoSuchRecipient, OwnWallet, WalletSuspended, TransferLimit, InsufficientFunds, KeyReused),
    idempotency="required",
)
def transfer(call: Call[TransferInput, None]) -> Moved:
    """Send coins to somebody."""
    return coins.transfer(
        sender_id=call.caller.user_id,
        recipient=call.body.recipient,
        amount=call.body.amount,
        key=call.idempotency_key,
    )


@routes.post(
    "wallet/spend",
    access=SIGNED_IN,
    body=SpendInput,
    answer=Moved,
    status=201,
    raises=(WalletSuspended, InsufficientFunds, KeyReused),
    idempotency="required",
)
def spend(call: Call[SpendInput, None]) -> Moved:
    """Pay with coins."""
    body = call.body
    return coins.spend(
        user_id=call.caller.user_id,
        amount=body.amount,
        key=call.idempotency_key,
        reference_type=body.reference_type,
        reference_id=body.reference_id,
    )


@routes.post(
    "wallet/spend/<uuid:entry_id>/refund",
    access=staff("wallet", "refund"),
    body=RefundInput,
    answer=Moved,
    status=201,
    raises=(Missing, OverRefund, KeyReused),
    idempotency="required",
)
def refund(call: Call[RefundInput, None], entry_id: UUID) -> Moved:
    """Give back all or part of what was spent."""
    return coins.refund_spend(entry_id=entry_id, amount=call.body.amount, key=call.idempotency_key)


@routes.post(
    "wallet/<uuid:user_id>/suspend",
    access=staff("wallet", "suspend"),
    body=WalletReasonInput,
    answer=StandingView,
    raises=(Missing,),
)
def suspend(call: Call[WalletReasonInput, None], user_id: UUID) -> StandingView:
    """Let a wallet receive and not spend."""
    return wallets.suspend_wallet(user_id=user_id, reason=call.body.reason)


@routes.post(
    "wallet/<uuid:user_id>/resume",
    access=staff("wallet", "suspend"),
    body=WalletReasonInput,
    answer=StandingView,
    raises=(Missing,),
)
def resume(call: Call[WalletReasonInput, None], user_id: UUID) -> StandingView:
    """Let a wallet spend again."""
    return wallets.resume_wallet(user_id=user_id, reason=call.body.reason)
