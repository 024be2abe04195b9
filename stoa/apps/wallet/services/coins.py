"""How coins move: bought, sent, spent, given back. Each is one entry in the platform's book, under the caller's key."""

from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from stoa.apps.accounts.public import people_named, user_id_of
from stoa.apps.ledger.contracts import PLATFORM_BOOK, Draft, Posted, Span, credit, debit
from stoa.apps.ledger.public import account_statement, post_entry, system_account
from stoa.apps.wallet.contracts import COIN, Moved
from stoa.apps.wallet.errors import NoSuchRecipient, OverRefund, OwnWallet, TransferLimit
from stoa.apps.wallet.events import CoinsReceived
from stoa.apps.wallet.models import Spend, Wallet
from stoa.apps.wallet.queries import wallet_view
from stoa.apps.wallet.services.wallets import spending_wallet, wallet_of
from stoa.kit.clock import utc_now
from stoa.kit.errors import Invalid, Missing
from stoa.kit.ids import parse_id
from stoa.kit.money import Money
from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.publishing import publish
from stoa.runtime.config.current import settings
from stoa.runtime.pause_points import pause_point

TRANSFER, SPEND, REFUND, MINT = "wallet.transfer", "wallet.spend", "wallet.refund", "wallet.mint"
_DAY = timedelta(days=1)
_LONGEST_KEY = 190
"""With its name space it fits the ledger's keys."""


def transfer(*, sender_id: UUID, recipient: str, amount: Money, key: str) -> Moved:
    """Send coins to somebody, named by handle or by account key (`user:<id>`). The same key sends once.

    Locks the sender's wallet, then the balances in id order. Raises Invalid, NoSuchRecipient, OwnWallet,
    WalletSuspended, TransferLimit, InsufficientFunds, KeyReused. Publishes CoinsReceived."""
    refuse_foreign(amount=amount)
    to_user = _recipient(recipient)
    if to_user == sender_id:
        raise OwnWallet
    with transaction():
        to_wallet = wallet_of(user_id=to_user)
        wallet = spending_wallet(wallet_id=wallet_of(user_id=sender_id).pk)
        draft = _draft(TRANSFER, sender_id, key, wallet.account_id, to_wallet.account_id, amount, str(to_wallet.pk))
        posted = post_entry(draft=draft)
        if posted.is_new:
            _refuse_too_much(wallet)
            publish(CoinsReceived(user_id=to_user, entry_id=posted.entry_id, kind=TRANSFER))
            record_move(action="wallet.sent", wallet=wallet, posted=posted, amount=amount)
        return Moved(entry_id=posted.entry_id, amount=amount, wallet=wallet_view(wallet))


def spend(*, user_id: UUID, amount: Money, key: str, reference_type: str = "", reference_id: str = "") -> Moved:
    """Pay the platform with coins. The same key spends once.

    Locks the wallet. Raises Invalid, WalletSuspended, InsufficientFunds, KeyReused."""
    refuse_foreign(amount=amount)
    with transaction():
        wallet = spending_wallet(wallet_id=wallet_of(user_id=user_id).pk)
        revenue = system_account(book_id=PLATFORM_BOOK, role="sales_revenue", currency=COIN)
        draft = _draft(SPEND, user_id, key, wallet.account_id, revenue, amount, reference_id, reference_type)
        posted = post_entry(draft=draft)
        if posted.is_new:
            Spend.objects.create(entry_id=posted.entry_id, wallet=wallet, amount_minor=amount.minor)
            record_move(action="wallet.spent", wallet=wallet, posted=posted, amount=amount)
        return Moved(entry_id=posted.entry_id, amount=amount, wallet=wallet_view(wallet))


def refund_spend(*, entry_id: UUID, amount: Money, key: str) -> Moved:
    """Give back all or part of a spend, also to a suspended wallet. The same key gives back once.

    Locks the spend. Raises Invalid, Missing, OverRefund, KeyReused. Publishes CoinsReceived."""
    with transaction():
        rows = Spend.objects.select_related("wallet").filter(pk=entry_id)
        if not pause_point("wallet.lock_spend"):
            rows = rows.select_for_update(no_key=True, of=("self",))
        spent = rows.first()
        pause_point("wallet.spend_read")
        if spent is None:
            raise Missing
        refuse_foreign(amount=amount)
        returns = system_account(book_id=PLATFORM_BOOK, role="sales_returns", currency=COIN)
        draft = _draft(REFUND, entry_id, key, returns, spent.wallet.account_id, amount, str(entry_id), "wallet.spend")
        posted = post_entry(draft=draft)
        if posted.is_new:
            spent.refunded_minor += amount.minor
            if spent.refunded_minor > spent.amount_minor:
                raise OverRefund
            spent.save(update_fields=["refunded_minor"])
            record_move(action="wallet.refunded", wallet=spent.wallet, posted=posted, amount=amount)
            if spent.wallet.user_id is not None:
                publish(CoinsReceived(user_id=spent.wallet.user_id, entry_id=posted.entry_id, kind=REFUND))
        return Moved(entry_id=posted.entry_id, amount=amount, wallet=wallet_view(spent.wallet))


def mint(*, user_id: UUID, amount: Money, payment_id: str) -> Moved:
    """Coins for a captured payment, once a payment whatever is asked. For the app payments, inside the transaction of
    the capture: nobody else may call it.

    Raises Invalid, KeyReused for another amount of the same payment. Publishes CoinsReceived."""
    refuse_foreign(amount=amount)
    with transaction():
        wallet = wallet_of(user_id=user_id)
        sold = system_account(book_id=PLATFORM_BOOK, role="fx", currency=COIN)
        draft = Draft(
            book_id=PLATFORM_BOOK,
            kind=MINT,
            key=f"{MINT}:{payment_id}",
            effective_at=None,
            lines=(debit(sold, amount.minor, COIN), credit(wallet.account_id, amount.minor, COIN)),
            reference_type="payment",
            reference_id=payment_id,
        )
        posted = post_entry(draft=draft)
        if posted.is_new:
            publish(CoinsReceived(user_id=user_id, entry_id=posted.entry_id, kind=MINT))
            record_move(action="wallet.minted", wallet=wallet, posted=posted, amount=amount)
        return Moved(entry_id=posted.entry_id, amount=amount, wallet=wallet_view(wallet))


def _recipient(named: str) -> UUID:
    """Raises NoSuchRecipient."""
    prefix, _, rest = named.partition(":")
    if prefix == "user" and rest:
        found = parse_id(rest)
        found = found if found is not None and people_named([found]) else None
    else:
        found = user_id_of(named) if "@" not in named else None
    if found is None:
        raise NoSuchRecipient
    return found


def _refuse_too_much(wallet: Wallet) -> None:
    """After posting, under the wallet's lock: what was sent within a day, this included. Raises TransferLimit."""
    limit = settings().wallet_daily_transfer_limit
    if not limit:
        return
    span = Span(since=utc_now() - _DAY)
    lines = account_statement(book_id=PLATFORM_BOOK, account_id=wallet.account_id, span=span).rows
    sent = sum(line.amount.minor for line in lines if (line.kind, line.side) == (TRANSFER, "debit"))
    if sent > limit * 100:
        raise TransferLimit(details={"limit": Money(limit * 100, COIN).amount})


def _draft(
    kind: str,
    whose: UUID,
    key: str,
    from_account: UUID,
    to_account: UUID,
    amount: Money,
    reference_id: str,
    reference_type: str = "wallet",
) -> Draft:
    return Draft(
        book_id=PLATFORM_BOOK,
        kind=kind,
        key=key_of(kind=kind, whose=whose, key=key),
        effective_at=None,
        lines=(debit(from_account, amount.minor, COIN), credit(to_account, amount.minor, COIN)),
        reference_type=reference_type,
        reference_id=reference_id,
    )


def key_of(*, kind: str, whose: UUID, key: str) -> str:
    """The key in a name space of the kind and of whoever gave it."""
    return f"{kind}:{whose}:{key}" if len(key) <= _LONGEST_KEY else f"{kind}:{whose}#{sha256(key.encode()).hexdigest()}"


def refuse_foreign(*, amount: Money) -> None:
    """Raises Invalid for another currency than coins, and for what is not more than 0."""
    if amount.currency != COIN:
        raise Invalid({"amount.currency": [f"coins are {COIN}"]})
    if amount.minor <= 0:
        raise Invalid({"amount.amount": ["more than 0"]})


def record_move(*, action: str, wallet: Wallet, posted: Posted, amount: Money) -> None:
    """On the audit trail."""
    after = {"amount": amount.amount, "entry": str(posted.entry_id)}
    record(action=action, object_type="wallet", object_id=wallet.pk, after=after)
