"""Whose wallet: opened on first use, suspended, resumed, forgotten."""

from uuid import UUID

from django.db import IntegrityError

from stoa.apps.accounts.public import people_named
from stoa.apps.ledger.contracts import PLATFORM_BOOK, AccountType
from stoa.apps.ledger.public import open_account, open_book
from stoa.apps.wallet.contracts import COIN, StandingView
from stoa.apps.wallet.errors import WalletSuspended
from stoa.apps.wallet.models import Wallet
from stoa.kit.errors import Missing
from stoa.kit.ids import new_uuid
from stoa.kit.money import Money
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import savepoint, transaction
from stoa.runtime.pause_points import pause_point

_OWNER = "wallet"


def wallet_of(*, user_id: UUID) -> Wallet:
    """The person's wallet, opened with its account where they have none yet. Of two at once one opens it."""
    found = Wallet.objects.filter(user_id=user_id).first()
    if found is not None:
        return found
    open_book(book_id=PLATFORM_BOOK, currency=COIN)
    with transaction():
        try:
            with savepoint():
                wallet_id = new_uuid()
                account = open_account(
                    book_id=PLATFORM_BOOK,
                    code=wallet_id.hex,
                    name="Wallet",
                    account_type=AccountType.LIABILITY,
                    currency=COIN,
                    owner=_OWNER,
                    floor=Money(0, COIN),
                )
                return Wallet.objects.create(id=wallet_id, user_id=user_id, account_id=account.id)
        except IntegrityError:  # somebody opened it meanwhile; our account went back with the savepoint
            return Wallet.objects.get(user_id=user_id)


def spending_wallet(*, wallet_id: UUID) -> Wallet:
    """Locked, so that no suspension and no other spending or holding comes between. Raises WalletSuspended."""
    rows = Wallet.objects.filter(pk=wallet_id)
    if not pause_point("wallet.lock_wallet"):
        rows = rows.select_for_update(no_key=True)
    wallet = rows.get()
    pause_point("wallet.wallet_read")
    if wallet.is_suspended:
        raise WalletSuspended
    return wallet


def suspend_wallet(*, user_id: UUID, reason: str) -> StandingView:
    """From now on it receives and cannot spend; a transfer under way comes first. Locks the wallet. Raises Missing."""
    return _turn(user_id, is_suspended=True, reason=reason)


def resume_wallet(*, user_id: UUID, reason: str) -> StandingView:
    """Locks the wallet. Raises Missing."""
    return _turn(user_id, is_suspended=False, reason=reason)


def forget_person(*, user_id: UUID) -> None:
    """The account stays in the books as nobody's. Again: nothing happens. Locks the wallet."""
    with transaction():
        wallet = Wallet.objects.select_for_update(no_key=True).filter(user_id=user_id).first()
        if wallet is not None:
            wallet.user_id, wallet.is_suspended = None, True
            wallet.save(update_fields=["user_id", "is_suspended"])


def _turn(user_id: UUID, *, is_suspended: bool, reason: str) -> StandingView:
    if not people_named([user_id]):
        raise Missing
    with transaction():
        wallet = Wallet.objects.select_for_update(no_key=True).get(pk=wallet_of(user_id=user_id).pk)
        if wallet.is_suspended != is_suspended:
            wallet.is_suspended = is_suspended
            wallet.save(update_fields=["is_suspended"])
            record(
                action="wallet.suspended" if is_suspended else "wallet.resumed",
                object_type="wallet",
                object_id=wallet.pk,
                after={"reason": reason},
                severity=Severity.WARNING,
            )
        return StandingView(user_id=user_id, is_suspended=wallet.is_suspended)
