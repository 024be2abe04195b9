"""What others may call. `mint` is for payments alone, inside the transaction of a capture."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from stoa.apps.wallet.queries import own_wallet
from stoa.apps.wallet.services.coins import mint, refund_spend, spend
from stoa.apps.wallet.services.holds import capture_hold, hold_coins, release_hold

__all__ = ["capture_hold", "hold_coins", "mint", "refund_spend", "release_hold", "spend", "wallet_data"]


def wallet_data(user_id: UUID) -> Mapping[str, Iterable[object]]:
    """accounts' ExportSource: what a person's archive says of their wallet."""
    return {"wallet": [own_wallet(user_id)]}
