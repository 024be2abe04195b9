"""Reads of wallets: the ledger's balances under a person's name."""

from uuid import UUID

from stoa.apps.ledger.contracts import PLATFORM_BOOK
from stoa.apps.ledger.public import account_line_page, account_view
from stoa.apps.wallet.contracts import COIN, SnapshotView, WalletView
from stoa.apps.wallet.models import Snapshot, Wallet
from stoa.kit.money import Money
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.http.pages import Page, PageQuery


def wallet_view(wallet: Wallet) -> WalletView:
    """One query."""
    with tenant_scope(PLATFORM_BOOK):
        account = account_view(wallet.account_id)
    return WalletView(
        account_key=account_key(wallet.user_id),
        balance=account.balance,
        held=account.held,
        available=account.available,
        is_suspended=wallet.is_suspended,
    )


def empty_wallet(user_id: UUID) -> WalletView:
    """Of a person who has never had a coin: looking opens nothing."""
    nothing = Money(0, COIN)
    return WalletView(
        account_key=account_key(user_id), balance=nothing, held=nothing, available=nothing, is_suspended=False
    )


def own_wallet(user_id: UUID) -> WalletView:
    """Two queries."""
    wallet = Wallet.objects.filter(user_id=user_id).first()
    return wallet_view(wallet) if wallet is not None else empty_wallet(user_id)


def own_entries(user_id: UUID, query: PageQuery, *, route: str) -> Page:
    """Last posted first, each with the balance after it. Three queries."""
    account_id = Wallet.objects.filter(user_id=user_id).values_list("account_id", flat=True).first()
    with tenant_scope(PLATFORM_BOOK):
        return account_line_page(account_id or user_id, query, route=route)


def account_key(user_id: UUID | None) -> str:
    return f"user:{user_id}" if user_id is not None else ""


def snapshot_view(row: Snapshot) -> SnapshotView:
    return SnapshotView(
        month=row.month,
        wallets=row.wallets,
        total=Money(row.total_minor, COIN),
        hash=row.hash,
        sealed_to=row.sealed_to,
        taken_at=row.taken_at,
    )
