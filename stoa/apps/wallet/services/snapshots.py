"""All balances at the end of a month as one hash, and whether wallets and ledger agree."""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

from stoa.apps.ledger.contracts import PLATFORM_BOOK, TrialBalance
from stoa.apps.ledger.public import trial_balance
from stoa.apps.wallet.contracts import COIN, SnapshotView
from stoa.apps.wallet.models import Snapshot, Spend, Wallet
from stoa.apps.wallet.queries import snapshot_view
from stoa.apps.wallet.services.holds import hold_faults
from stoa.kit.errors import Invalid
from stoa.platform.db.transactions import transaction

_INSTANT = timedelta(microseconds=1)


def take_snapshot(*, month: str, now: datetime) -> SnapshotView:
    """Of a month that is over, `2026-03`, in UTC; the one that was taken, if there is one. Raises Invalid."""
    taken = Snapshot.objects.filter(month=month).first()
    if taken is not None:
        return snapshot_view(taken)
    ends_at = _end_of(month)
    if ends_at >= now:
        raise Invalid({"month": ["a month that is over"]})
    told = trial_balance(book_id=PLATFORM_BOOK, effective_to=ends_at)
    balances = _balances(told)
    digest = hashlib.sha256()
    for account_id in sorted(balances):
        digest.update(account_id.bytes + balances[account_id].to_bytes(8, signed=True))
    with transaction():
        row, _ = Snapshot.objects.get_or_create(
            month=month,
            defaults={
                "wallets": len(balances),
                "total_minor": sum(balances.values()),
                "hash": digest.hexdigest(),
                "sealed_to": told.sealed_to,
            },
        )
    return snapshot_view(row)


def check_wallets() -> list[str]:
    """What does not hold, a sentence each; nothing: everything does."""
    told = trial_balance(book_id=PLATFORM_BOOK)
    balances = _balances(told)
    faults = [f"wallet account {account_id} is below zero" for account_id, minor in balances.items() if minor < 0]
    coins = [total for total in told.totals if total.debits.currency == COIN]
    faults += ["debits and credits of the coins differ" for total in coins if total.debits != total.credits]
    owned = {row.account_id for row in told.rows if row.name == "Wallet"}
    faults += [f"account {account_id} is a wallet of nobody" for account_id in owned - set(_accounts())]
    spends = Spend.objects.filter(refunded_minor__gt=0).count()
    refunds = sum(row.debits.minor for row in told.rows if row.code == "4200")
    refunded = sum(Spend.objects.values_list("refunded_minor", flat=True)) if spends else 0
    if refunds != refunded:
        faults.append("refunds in the ledger are not those of the spends")
    return [*faults, *hold_faults()]


def _balances(told: TrialBalance) -> dict[UUID, int]:
    wallets = set(_accounts())
    return {row.account_id: row.balance.minor for row in told.rows if row.account_id in wallets}


def _accounts() -> list[UUID]:
    return list(Wallet.objects.values_list("account_id", flat=True))


def _end_of(month: str) -> datetime:
    """The last instant of a month: what is effective at it is in. Raises Invalid."""
    try:
        starts = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise Invalid({"month": ["a month such as 2026-03"]}) from None
    following = starts.replace(year=starts.year + starts.month // 12, month=starts.month % 12 + 1)
    return following - _INSTANT
