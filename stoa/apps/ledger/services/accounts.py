"""Accounts of a book: opened, renamed, given a floor, closed and opened again."""

from uuid import UUID

from django.db import IntegrityError

from stoa.apps.ledger.contracts import AccountType, AccountView
from stoa.apps.ledger.errors import SystemAccount
from stoa.apps.ledger.models import Account
from stoa.apps.ledger.queries import account_view
from stoa.apps.ledger.services.refusals import refusal_of
from stoa.kit.errors import Invalid, Missing
from stoa.kit.money import EXPONENTS, Money
from stoa.platform.audit.recording import record
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.db.transactions import transaction


def open_account(
    *,
    book_id: UUID,
    code: str,
    name: str,
    account_type: AccountType,
    currency: str,
    parent_id: UUID | None = None,
    owner: str = "",
    floor: Money | None = None,
) -> AccountView:
    """A new account of one currency; with a floor it cannot fall below that. Raises Invalid, CodeTaken."""
    if currency not in EXPONENTS:
        raise Invalid({"currency": ["unknown currency"]})
    if floor is not None and floor.currency != currency:
        raise Invalid({"floor": ["in the account's currency"]})
    with tenant_scope(book_id), transaction():
        if parent_id is not None and not Account.objects.filter(pk=parent_id, type=account_type).exists():
            raise Invalid({"parent_id": ["an account of this book and of the same type is expected"]})
        account = Account(
            book_id=book_id,
            code=code,
            name=name,
            type=account_type,
            normal=account_type.normal,
            currency=currency,
            parent_id=parent_id,
            owner=owner,
            floor_minor=None if floor is None else floor.minor,
        )
        try:
            account.save(force_insert=True)
        except IntegrityError as error:
            raise refusal_of(error=error) from None
        _record("ledger.account_opened", account)
        return account_view(account.pk)


def rename_account(*, book_id: UUID, account_id: UUID, name: str) -> AccountView:
    """Locks the account. Raises Missing."""
    with tenant_scope(book_id), transaction():
        account = _locked(account_id)
        account.name, account.version = name, account.version + 1
        account.save(update_fields=["name", "version"])
        _record("ledger.account_renamed", account)
        return account_view(account.pk)


def close_account(*, book_id: UUID, account_id: UUID) -> AccountView:
    """Nothing is posted to it any more. Locks the account, then the book alone: postings under way come first.

    Raises Missing, AccountInUse where it has a balance or a hold, SystemAccount."""
    with tenant_scope(book_id), transaction():
        account = _locked(account_id)
        if account.role:
            raise SystemAccount
        return _turn(account, is_open=False)


def reopen_account(*, book_id: UUID, account_id: UUID) -> AccountView:
    """Raises Missing."""
    with tenant_scope(book_id), transaction():
        return _turn(_locked(account_id), is_open=True)


def _turn(account: Account, *, is_open: bool) -> AccountView:
    if account.is_open != is_open:
        account.is_open, account.version = is_open, account.version + 1
        try:
            account.save(update_fields=["is_open", "version"])
        except IntegrityError as error:
            raise refusal_of(error=error) from None
        _record("ledger.account_reopened" if is_open else "ledger.account_closed", account)
    return account_view(account.pk)


def _locked(account_id: UUID) -> Account:
    account = Account.objects.select_for_update(no_key=True).filter(pk=account_id).first()
    if account is None:
        raise Missing
    return account


def _record(action: str, account: Account) -> None:
    after = {"name": account.name, "number": account.code, "is_open": account.is_open}
    record(action=action, object_type="ledger_account", object_id=account.pk, org_id=account.book_id, after=after)
