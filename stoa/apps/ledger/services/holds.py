"""Holds: part of a balance promised until it is posted, voided or expires."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError

from stoa.apps.ledger.contracts import Draft, HoldView, Posted
from stoa.apps.ledger.domain import LONGEST_KEY
from stoa.apps.ledger.errors import ControlAccount, CurrencyMismatch, HoldResolved, KeyReused
from stoa.apps.ledger.models import Account, Entry, Hold, HoldState
from stoa.apps.ledger.queries import hold_view
from stoa.apps.ledger.services.posting import post_entry
from stoa.apps.ledger.services.refusals import refusal_of
from stoa.kit.clock import utc_now
from stoa.kit.errors import Invalid, Missing
from stoa.kit.money import MAX_MINOR, Money
from stoa.platform.audit.recording import record
from stoa.platform.db.tenant import across_tenants, tenant_scope
from stoa.platform.db.transactions import transaction
from stoa.runtime.pause_points import pause_point


def hold_funds(*, book_id: UUID, account_id: UUID, amount_minor: int, key: str, expires_at: datetime) -> HoldView:
    """Promise `amount_minor` of what is available. The same key with the same content returns the first hold.

    Locks the balance. Raises Invalid, Missing, KeyReused, AccountClosed, InsufficientFunds."""
    faults: dict[str, list[str]] = {}
    if not 0 < amount_minor <= MAX_MINOR:
        faults["amount"] = ["more than 0, at most 10^15 minor units"]
    if not 1 <= len(key) <= LONGEST_KEY:
        faults["key"] = [f"1 to {LONGEST_KEY} characters"]
    if expires_at <= utc_now():
        faults["expires_at"] = ["a time to come"]
    if faults:
        raise Invalid(faults)
    with tenant_scope(book_id), transaction():
        account = Account.objects.filter(pk=account_id).first()
        if account is None:
            raise Missing
        hold = Hold(book_id=book_id, account_id=account_id, key=key, amount_minor=amount_minor, expires_at=expires_at)
        try:
            made = Hold.objects.bulk_create([hold], ignore_conflicts=True) if _is_first(key) else []
        except IntegrityError as error:
            raise refusal_of(error=error) from None
        there = Hold.objects.get(key=key)
        if (there.account_id, there.amount_minor) != (account_id, amount_minor):
            raise KeyReused
        if made and there.pk == hold.pk:
            record(
                action="ledger.held",
                object_type="ledger_hold",
                object_id=hold.pk,
                org_id=book_id,
                after={"amount_minor": amount_minor},
            )
        return hold_view(there, account.currency)


def hold_by_hand(*, book_id: UUID, account_id: UUID, amount: Money, key: str, expires_at: datetime) -> HoldView:
    """As `hold_funds`, on an account that belongs to no part of the house. Raises ControlAccount, CurrencyMismatch."""
    with tenant_scope(book_id):
        account = Account.objects.filter(pk=account_id).first()
    if account is None:
        raise Missing
    if account.owner:
        raise ControlAccount
    if account.currency != amount.currency:
        raise CurrencyMismatch
    return hold_funds(book_id=book_id, account_id=account_id, amount_minor=amount.minor, key=key, expires_at=expires_at)


def post_hold(*, book_id: UUID, hold_id: UUID, draft: Draft) -> Posted:
    """Resolve a hold by an entry that takes all or part of it; the rest is free again. Both in one transaction.

    Locks the hold, then as `post_entry`. Raises Missing, HoldResolved, and what `post_entry` raises."""
    with tenant_scope(book_id), transaction():
        hold = _locked(hold_id)
        pause_point("ledger.hold_locked")
        if hold.state == HoldState.POSTED and hold.entry_id is not None:
            # Asked before it is posted: another entry could fail for its own reasons, and hide this one.
            if not Entry.objects.filter(pk=hold.entry_id, key=draft.key).exists():
                raise HoldResolved
            return post_entry(draft=draft)
        taken = sum(line.amount_minor for line in draft.lines if line.account_id == hold.account_id)
        if taken > hold.amount_minor:
            raise Invalid({"lines": ["more than was held"]})
        if hold.state != HoldState.PENDING or hold.expires_at <= utc_now():
            raise HoldResolved
        # First free what was held, or the account's floor would count it twice.
        _resolve(hold, HoldState.POSTED)
        posted = post_entry(draft=draft)
        Hold.objects.filter(pk=hold.pk).update(entry_id=posted.entry_id)
        return posted


def void_hold(*, book_id: UUID, hold_id: UUID) -> HoldView:
    """Free what was held. Voided already: nothing happens. Locks the hold. Raises Missing, HoldResolved."""
    with tenant_scope(book_id), transaction():
        hold = _locked(hold_id)
        if hold.state != HoldState.VOIDED:
            if hold.state != HoldState.PENDING:
                raise HoldResolved
            _resolve(hold, HoldState.VOIDED)
        return hold_view(hold, Account.objects.values_list("currency", flat=True).get(pk=hold.account_id))


def expire_holds(*, limit: int = 200) -> int:
    """Free what was promised for too long; how many. For the sweep: each hold under its own lock."""
    with across_tenants("holds of every book that have expired"), transaction():
        due = Hold.objects.select_for_update(skip_locked=True).filter(
            state=HoldState.PENDING, expires_at__lte=utc_now()
        )
        holds = list(due.order_by("expires_at")[:limit])
        for hold in holds:
            _resolve(hold, HoldState.EXPIRED)
    return len(holds)


def _is_first(key: str) -> bool:
    return not Hold.objects.filter(key=key).exists()


def _resolve(hold: Hold, state: HoldState) -> None:
    hold.state = state
    hold.save(update_fields=["state"])


def _locked(hold_id: UUID) -> Hold:
    rows = Hold.objects.filter(pk=hold_id)
    hold = (rows if pause_point("ledger.lock_hold") else rows.select_for_update()).first()
    if hold is None:
        raise Missing
    return hold
