"""What wallets tell."""

from datetime import datetime
from uuid import UUID

from stoa.kit.contract import Contract
from stoa.kit.money import Money

COIN = "SLC"


class WalletView(Contract):
    """`available` is the balance less what is held. `account_key` is what others may send coins to."""

    account_key: str
    balance: Money
    held: Money
    available: Money
    is_suspended: bool


class Moved(Contract):
    """`entry_id` is the ledger's; the same key answers the same."""

    entry_id: UUID
    amount: Money
    wallet: WalletView


class CoinsHeld(Contract):
    """`state` is pending, posted (captured), voided (released) or expired; the same key answers the same hold."""

    hold_id: UUID
    amount: Money
    state: str
    expires_at: datetime
    wallet: WalletView


class StandingView(Contract):
    user_id: UUID
    is_suspended: bool


class SnapshotView(Contract):
    """`hash` covers every wallet's balance; `sealed_to` is the last number of the platform's book in it."""

    month: str
    wallets: int
    total: Money
    hash: str
    sealed_to: int
    taken_at: datetime
