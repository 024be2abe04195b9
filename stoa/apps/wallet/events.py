"""What happened to wallets. Ids only."""

from typing import ClassVar
from uuid import UUID

from stoa.kit.event import Event


class CoinsReceived(Event):
    """By a transfer, a refund or a purchase; the entry says how many."""

    name: ClassVar[str] = "wallet.coins_received"
    user_id: UUID
    entry_id: UUID
    kind: str
