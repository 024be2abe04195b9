"""Wallets: how much may move."""

from stoa.runtime.config.registry import Section, setting


class Wallets(Section):
    """Wallets."""

    wallet_daily_transfer_limit: int = setting(
        10_000,
        "Most coins one person may send to others within 24 hours; 0: no limit.",
        example="500",
        unit="coins",
        ge=0,
        le=10**12,
        why="Whoever takes over an account should not empty it in a minute.",
    )
