"""Routes of accounts and the trial balance."""

from uuid import UUID

from pydantic import Field

from stoa.apps.ledger.contracts import AccountView, TrialBalance
from stoa.apps.ledger.errors import AccountInUse, CodeTaken, SystemAccount
from stoa.apps.ledger.http.files import FILES, FormQuery, as_asked
from stoa.apps.ledger.http.inputs import WITHOUT, AccountInput, NameInput
from stoa.apps.ledger.queries import account_page, account_view, trial_balance
from stoa.apps.ledger.services import accounts
from stoa.apps.ledger.services.books import books_of_organization
from stoa.kit.errors import Missing
from stoa.platform.http.access import org
from stoa.platform.http.endpoints import File, Routes
from stoa.platform.http.inputs import Moment
from stoa.platform.http.pages import Page, PageQuery
from stoa.platform.http.views import Call

routes = Routes("ledger")
_ACCOUNTS = "ledger/accounts"
_ACCOUNT = f"{_ACCOUNTS}/<uuid:account_id>"


@routes.get(_ACCOUNTS, access=org("accounts", "read"), query=PageQuery, answer=AccountView, listed="keyset")
def list_accounts(call: Call[None, PageQuery]) -> Page:
    """List accounts with their balances, by code."""
    books_of_organization(org_id=call.org_id)
    return account_page(call.query, route=call.route)


@routes.post(
    _ACCOUNTS,
    access=org("accounts", "manage"),
    body=AccountInput,
    answer=AccountView,
    status=201,
    raises=(CodeTaken,),
)
def open_account(call: Call[AccountInput, None]) -> AccountView:
    """Open an account."""
    books_of_organization(org_id=call.org_id)
    body = call.body
    return accounts.open_account(
        book_id=call.org_id,
        code=body.code,
        name=body.name,
        account_type=body.account_type,
        currency=body.currency,
        parent_id=body.parent_id,
        floor=body.floor,
    )


@routes.get(_ACCOUNT, access=org("accounts", "read"), answer=AccountView, raises=(Missing,))
def show_account(call: Call[None, None], account_id: UUID) -> AccountView:
    """Show an account with its balance."""
    return account_view(account_id)


@routes.patch(_ACCOUNT, access=org("accounts", "manage"), body=NameInput, answer=AccountView, raises=(Missing,))
def rename_account(call: Call[NameInput, None], account_id: UUID) -> AccountView:
    """Rename an account; nothing else of it changes."""
    return accounts.rename_account(book_id=call.org_id, account_id=account_id, name=call.body.name)


@routes.post(
    f"{_ACCOUNT}/close",
    access=org("accounts", "manage"),
    answer=AccountView,
    raises=(Missing, AccountInUse, SystemAccount),
)
def close_account(call: Call[None, None], account_id: UUID) -> AccountView:
    """Close an account that has neither a balance nor a hold."""
    return accounts.close_account(book_id=call.org_id, account_id=account_id)


@routes.post(f"{_ACCOUNT}/reopen", access=org("accounts", "manage"), answer=AccountView, raises=(Missing,))
def reopen_account(call: Call[None, None], account_id: UUID) -> AccountView:
    """Open a closed account again."""
    return accounts.reopen_account(book_id=call.org_id, account_id=account_id)


class InstantQuery(FormQuery):
    effective_to: Moment | None = Field(None, description="Entries that took place up to and with this instant.")
    recorded_to: Moment | None = Field(None, description="As it was known at this instant.")
    without_quarantined: bool = Field(False, description=WITHOUT)


@routes.get("ledger/trial-balance", access=org("reports", "read"), query=InstantQuery, answer=TrialBalance, files=FILES)
def show_trial_balance(call: Call[None, InstantQuery]) -> TrialBalance | File:
    """Show the trial balance of now, or of any instant in either time."""
    query = call.query
    report = trial_balance(
        book_id=call.org_id,
        effective_to=query.effective_to,
        recorded_to=query.recorded_to,
        without_quarantined=query.without_quarantined,
    )
    return as_asked(query.format, report, call.org_id)
