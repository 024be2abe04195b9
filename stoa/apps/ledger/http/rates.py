"""Routes of rates and exchanges."""

from pydantic import Field

from stoa.apps.ledger.contracts import EntryView, RateView
from stoa.apps.ledger.errors import (
    AccountClosed,
    ControlAccount,
    CurrencyMismatch,
    InsufficientFunds,
    KeyReused,
    PeriodLocked,
    RateExists,
    RateMissing,
    UnknownAccount,
)
from stoa.apps.ledger.http.inputs import Currency, Decimal
from stoa.apps.ledger.queries import rate_page
from stoa.apps.ledger.services import rates
from stoa.apps.ledger.services.books import books_of_organization
from stoa.platform.http.access import org
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.inputs import Id, Input, Moment, MoneyInput
from stoa.platform.http.pages import Page, PageQuery
from stoa.platform.http.views import Call

routes = Routes("ledger")
_RATES = "ledger/rates"


class RateInput(Input):
    """One of `base` is `rate` of `quote`."""

    base: Currency
    quote: Currency
    rate: Decimal
    at: Moment | None = Field(None, description="From this instant on; now, unless given.")
    source: str = Field("", max_length=120, description="Who says so.")


class CurrencyExchangeInput(Input):
    """`amount` leaves the one account; what it is worth then comes to the other, in its currency."""

    from_account_id: Id
    to_account_id: Id
    amount: MoneyInput
    effective_at: Moment | None = Field(None, description="When it took place; now, unless given.")
    description: str = Field("", max_length=500)


@routes.get(_RATES, access=org("accounts", "read"), query=PageQuery, answer=RateView, listed="keyset")
def list_rates(call: Call[None, PageQuery]) -> Page:
    """List rates, latest first."""
    return rate_page(call.query, route=call.route)


@routes.post(
    _RATES, access=org("accounts", "manage"), body=RateInput, answer=RateView, status=201, raises=(RateExists,)
)
def add_rate(call: Call[RateInput, None]) -> RateView:
    """Keep a rate of exchange. It is never changed: a better one gets an instant of its own."""
    books_of_organization(org_id=call.org_id)
    body = call.body
    return rates.add_rate(
        book_id=call.org_id, base=body.base, quote=body.quote, rate=body.rate, at=body.at, source=body.source
    )


@routes.post(
    "ledger/exchanges",
    access=org("journal", "post"),
    body=CurrencyExchangeInput,
    answer=EntryView,
    status=201,
    raises=(
        *(UnknownAccount, CurrencyMismatch, RateMissing, KeyReused, PeriodLocked, AccountClosed, InsufficientFunds),
        ControlAccount,
    ),
    idempotency="required",
)
def exchange(call: Call[CurrencyExchangeInput, None]) -> EntryView:
    """Change one currency for another at the rate in force."""
    body = call.body
    return rates.exchange(
        book_id=call.org_id,
        source_id=body.from_account_id,
        target_id=body.to_account_id,
        amount=body.amount,
        key=call.idempotency_key,
        effective_at=body.effective_at,
        description=body.description,
    )
