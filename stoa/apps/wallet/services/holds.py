"""Coins that are promised: held, captured in part or whole, released, or free again when their time is over.

A hold is the ledger's, which counts it against what is available and lets it expire; here stands whose it is."""

from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet, Sum

from stoa.apps.ledger.contracts import PLATFORM_BOOK, Draft, credit, debit
from stoa.apps.ledger.public import hold_funds, post_hold, system_account, void_hold
from stoa.apps.wallet.contracts import COIN, CoinsHeld, Moved
from stoa.apps.wallet.models import CoinHold, Spend, Wallet
from stoa.apps.wallet.queries import wallet_view
from stoa.apps.wallet.services.coins import SPEND, key_of, record_move, refuse_foreign
from stoa.apps.wallet.services.wallets import spending_wallet, wallet_of
from stoa.kit.clock import utc_now
from stoa.kit.errors import Missing
from stoa.kit.money import Money
from stoa.platform.db.transactions import transaction

HOLD = "wallet.hold"


def hold_coins(*, user_id: UUID, amount: Money, key: str, expires_at: datetime) -> CoinsHeld:
    """Promise coins of a person until `expires_at`. The same key holds once.

    Locks the wallet, then the balance. Raises Invalid, WalletSuspended, InsufficientFunds, KeyReused."""
    refuse_foreign(amount=amount)
    with transaction():
        wallet = spending_wallet(wallet_id=wallet_of(user_id=user_id).pk)
        held = hold_funds(
            book_id=PLATFORM_BOOK,
            account_id=wallet.account_id,
            amount_minor=amount.minor,
            key=key_of(kind=HOLD, whose=user_id, key=key),
            expires_at=expires_at,
        )
        CoinHold.objects.get_or_create(
            hold_id=held.id,
            defaults={"wallet": wallet, "amount_minor": amount.minor, "expires_at": held.expires_at},
        )
        return CoinsHeld(
            hold_id=held.id, amount=amount, state=held.state, expires_at=held.expires_at, wallet=wallet_view(wallet)
        )


def capture_hold(*, hold_id: UUID, amount: Money, reference_type: str = "wallet.hold", reference_id: str = "") -> Moved:
    """Spend all or part of what is held; the rest is free again. Once a hold: the same again answers the same entry.

    It is a spend, so that it can be refunded. Locks the wallet, then the hold. Raises Invalid (also for more than was
    held), Missing, WalletSuspended, HoldResolved, KeyReused for another amount."""
    refuse_foreign(amount=amount)
    with transaction():
        mine = _held(hold_id)
        wallet = spending_wallet(wallet_id=mine.wallet_id)
        revenue = system_account(book_id=PLATFORM_BOOK, role="sales_revenue", currency=COIN)
        draft = Draft(
            book_id=PLATFORM_BOOK,
            kind=SPEND,
            key=f"{SPEND}:{HOLD}:{hold_id}",
            effective_at=None,
            lines=(debit(wallet.account_id, amount.minor, COIN), credit(revenue, amount.minor, COIN)),
            reference_type=reference_type,
            reference_id=reference_id or str(hold_id),
        )
        posted = post_hold(book_id=PLATFORM_BOOK, hold_id=hold_id, draft=draft)
        if posted.is_new:
            Spend.objects.create(entry_id=posted.entry_id, wallet=wallet, amount_minor=amount.minor)
            CoinHold.objects.filter(pk=hold_id).update(captured_minor=amount.minor, entry_id=posted.entry_id)
            record_move(action="wallet.captured", wallet=wallet, posted=posted, amount=amount)
        return Moved(entry_id=posted.entry_id, amount=amount, wallet=wallet_view(wallet))


def release_hold(*, hold_id: UUID) -> CoinsHeld:
    """Free what was held, also of a suspended wallet. Released already: nothing happens.

    Locks the wallet, then the hold. Raises Missing, HoldResolved."""
    with transaction():
        mine = _held(hold_id)
        wallet = Wallet.objects.select_for_update(no_key=True).get(pk=mine.wallet_id)
        held = void_hold(book_id=PLATFORM_BOOK, hold_id=hold_id)
        CoinHold.objects.filter(pk=hold_id, released_at=None).update(released_at=utc_now())
        return CoinsHeld(
            hold_id=hold_id,
            amount=held.amount,
            state=held.state,
            expires_at=held.expires_at,
            wallet=wallet_view(wallet),
        )


def hold_faults() -> list[str]:
    """What does not hold of holds, a sentence each. Locks each wallet that has one, for a moment."""
    spent = Spend.objects.filter(
        entry_id=OuterRef("entry_id"), wallet_id=OuterRef("wallet_id"), amount_minor=OuterRef("captured_minor")
    )
    captured = CoinHold.objects.exclude(entry_id=None).filter(~Exists(spent)).order_by("pk")
    faults = [f"hold {pk} was captured without its spend" for pk in captured.values_list("pk", flat=True)[:100]]
    for wallet_id in _live(utc_now()).order_by("wallet_id").values_list("wallet_id", flat=True).distinct():
        with transaction():
            wallet = Wallet.objects.select_for_update(no_key=True).get(pk=wallet_id)
            told = wallet_view(wallet)
            # Asked after the ledger: what expires meanwhile is in the first figure and not in the second.
            live = _live(utc_now()).filter(wallet_id=wallet_id).aggregate(sum=Sum("amount_minor"))["sum"] or 0
        if told.held.minor < live:
            faults.append(f"wallet {wallet_id} promised more than is held of it")
        if told.available.minor < 0:
            faults.append(f"wallet {wallet_id} promised more than it has")
    return faults


def _held(hold_id: UUID) -> CoinHold:
    """Raises Missing."""
    found = CoinHold.objects.filter(pk=hold_id).first()
    if found is None:
        raise Missing
    return found


def _live(now: datetime) -> QuerySet[CoinHold]:
    return CoinHold.objects.filter(entry_id=None, released_at=None, expires_at__gt=now)
