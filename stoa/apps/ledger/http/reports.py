"""Routes of the financial statements."""

from uuid import UUID

from pydantic import Field

from stoa.apps.ledger.contracts import BalanceSheet, CashFlow, IncomeStatement, Span, Statement, TaxReport, YearClosed
from stoa.apps.ledger.errors import PeriodLocked
from stoa.apps.ledger.http.inputs import WITHOUT
from stoa.apps.ledger.services import reporting
from stoa.apps.ledger.services.year_close import close_year
from stoa.kit.errors import Missing
from stoa.platform.http.access import org
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.inputs import Input, Moment, QueryInput
from stoa.platform.http.views import Call

routes = Routes("ledger")
_REPORTS = "ledger/reports"
_MAY = org("reports", "read")


class SpanQuery(QueryInput):
    since: Moment | None = Field(None, description="From this instant on.")
    until: Moment | None = Field(None, description="Up to but without this instant.")
    recorded_to: Moment | None = Field(None, description="As it was known at this instant.")
    without_quarantined: bool = Field(False, description=WITHOUT)

    def span(self) -> Span:
        return Span(self.since, self.until, self.recorded_to, self.without_quarantined)


class UntilQuery(QueryInput):
    until: Moment | None = Field(None, description="Up to but without this instant.")
    recorded_to: Moment | None = Field(None, description="As it was known at this instant.")
    without_quarantined: bool = Field(False, description=WITHOUT)


class YearInput(Input):
    ends_at: Moment = Field(description="The first instant after the year.")


@routes.get(f"{_REPORTS}/income-statement", access=_MAY, query=SpanQuery, answer=IncomeStatement)
def show_income_statement(call: Call[None, SpanQuery]) -> IncomeStatement:
    """Show revenue less expenses of a span."""
    return reporting.income_statement(book_id=call.org_id, span=call.query.span())


@routes.get(f"{_REPORTS}/balance-sheet", access=_MAY, query=UntilQuery, answer=BalanceSheet)
def show_balance_sheet(call: Call[None, UntilQuery]) -> BalanceSheet:
    """Show assets, liabilities and equity of an instant."""
    query = call.query
    return reporting.balance_sheet(
        book_id=call.org_id,
        until=query.until,
        recorded_to=query.recorded_to,
        without_quarantined=query.without_quarantined,
    )


@routes.get(f"{_REPORTS}/cash-flow", access=_MAY, query=SpanQuery, answer=CashFlow)
def show_cash_flow(call: Call[None, SpanQuery]) -> CashFlow:
    """Show what came to and went from cash and bank."""
    return reporting.cash_flow(book_id=call.org_id, span=call.query.span())


@routes.get(f"{_REPORTS}/tax", access=_MAY, query=SpanQuery, answer=TaxReport)
def show_tax_report(call: Call[None, SpanQuery]) -> TaxReport:
    """Show what was charged and paid on the tax accounts."""
    return reporting.tax_report(book_id=call.org_id, span=call.query.span())


@routes.get(
    "ledger/accounts/<uuid:account_id>/statement", access=_MAY, query=SpanQuery, answer=Statement, raises=(Missing,)
)
def show_statement(call: Call[None, SpanQuery], account_id: UUID) -> Statement:
    """Show an account's lines with the running balance."""
    return reporting.account_statement(book_id=call.org_id, account_id=account_id, span=call.query.span())


@routes.post(
    "ledger/years/close",
    access=org("periods", "close"),
    body=YearInput,
    answer=YearClosed,
    status=201,
    raises=(PeriodLocked,),
    idempotency="required",
)
def close_fiscal_year(call: Call[YearInput, None]) -> YearClosed:
    """Bring revenue and expenses to zero against retained earnings."""
    return YearClosed(entries=tuple(close_year(book_id=call.org_id, ends_at=call.body.ends_at)))
