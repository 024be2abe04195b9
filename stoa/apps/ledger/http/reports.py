"""Routes of the financial statements."""

from uuid import UUID

from pydantic import Field

from stoa.apps.ledger.contracts import (
    AgedReport,
    BalanceSheet,
    CashFlow,
    GeneralLedger,
    IncomeStatement,
    Span,
    Statement,
    TaxReport,
    YearClosed,
)
from stoa.apps.ledger.errors import PeriodLocked
from stoa.apps.ledger.http.files import FILES, BucketDays, FormQuery, as_asked, days_of, lines_as_asked
from stoa.apps.ledger.http.inputs import WITHOUT
from stoa.apps.ledger.services import reporting
from stoa.apps.ledger.services.aging import PAYABLE, RECEIVABLE, aged_report
from stoa.apps.ledger.services.ledger_lines import account_statement, general_ledger
from stoa.apps.ledger.services.tabulating import general_ledger_table, statement_table
from stoa.apps.ledger.services.year_close import close_year
from stoa.kit.errors import Missing
from stoa.platform.http.access import org
from stoa.platform.http.endpoints import File, Routes
from stoa.platform.http.inputs import Input, Moment
from stoa.platform.http.views import Call

routes = Routes("ledger")
_REPORTS = "ledger/reports"
_MAY = org("reports", "read")


class SpanQuery(FormQuery):
    since: Moment | None = Field(None, description="From this instant on.")
    until: Moment | None = Field(None, description="Up to but without this instant.")
    recorded_to: Moment | None = Field(None, description="As it was known at this instant.")
    without_quarantined: bool = Field(False, description=WITHOUT)

    def span(self) -> Span:
        return Span(self.since, self.until, self.recorded_to, self.without_quarantined)


class UntilQuery(FormQuery):
    until: Moment | None = Field(None, description="Up to but without this instant.")
    recorded_to: Moment | None = Field(None, description="As it was known at this instant.")
    without_quarantined: bool = Field(False, description=WITHOUT)


class AgedQuery(UntilQuery):
    bucket_days: BucketDays = "30,60,90"


class YearInput(Input):
    ends_at: Moment = Field(description="The first instant after the year.")


@routes.get(f"{_REPORTS}/income-statement", access=_MAY, query=SpanQuery, answer=IncomeStatement, files=FILES)
def show_income_statement(call: Call[None, SpanQuery]) -> IncomeStatement | File:
    """Show revenue less expenses of a span."""
    report = reporting.income_statement(book_id=call.org_id, span=call.query.span())
    return as_asked(call.query.format, report, call.org_id)


@routes.get(f"{_REPORTS}/balance-sheet", access=_MAY, query=UntilQuery, answer=BalanceSheet, files=FILES)
def show_balance_sheet(call: Call[None, UntilQuery]) -> BalanceSheet | File:
    """Show assets, liabilities and equity of an instant."""
    query = call.query
    report = reporting.balance_sheet(
        book_id=call.org_id,
        until=query.until,
        recorded_to=query.recorded_to,
        without_quarantined=query.without_quarantined,
    )
    return as_asked(query.format, report, call.org_id)


@routes.get(f"{_REPORTS}/cash-flow", access=_MAY, query=SpanQuery, answer=CashFlow, files=FILES)
def show_cash_flow(call: Call[None, SpanQuery]) -> CashFlow | File:
    """Show what came to and went from cash and bank."""
    report = reporting.cash_flow(book_id=call.org_id, span=call.query.span())
    return as_asked(call.query.format, report, call.org_id)


@routes.get(f"{_REPORTS}/tax", access=_MAY, query=SpanQuery, answer=TaxReport, files=FILES)
def show_tax_report(call: Call[None, SpanQuery]) -> TaxReport | File:
    """Show what was charged and paid on the tax accounts."""
    report = reporting.tax_report(book_id=call.org_id, span=call.query.span())
    return as_asked(call.query.format, report, call.org_id)


@routes.get(f"{_REPORTS}/general-ledger", access=_MAY, query=SpanQuery, answer=GeneralLedger, files=FILES)
def show_general_ledger(call: Call[None, SpanQuery]) -> GeneralLedger | File:
    """Show every account that held something or moved, with its lines."""
    book_id, span = call.org_id, call.query.span()
    return lines_as_asked(
        call.query.format,
        lambda: general_ledger(book_id=book_id, span=span),
        lambda: general_ledger_table(book_id=book_id, span=span),
    )


@routes.get(f"{_REPORTS}/aged-receivables", access=_MAY, query=AgedQuery, answer=AgedReport, files=FILES)
def show_aged_receivables(call: Call[None, AgedQuery]) -> AgedReport | File:
    """Show what is owed to the organization, by age."""
    return _by_age(call, RECEIVABLE)


@routes.get(f"{_REPORTS}/aged-payables", access=_MAY, query=AgedQuery, answer=AgedReport, files=FILES)
def show_aged_payables(call: Call[None, AgedQuery]) -> AgedReport | File:
    """Show what the organization owes, by age."""
    return _by_age(call, PAYABLE)


def _by_age(call: Call[None, AgedQuery], role: str) -> AgedReport | File:
    query = call.query
    report = aged_report(
        book_id=call.org_id,
        role=role,
        until=query.until,
        recorded_to=query.recorded_to,
        days=days_of(query.bucket_days),
        without_quarantined=query.without_quarantined,
    )
    return as_asked(query.format, report, call.org_id)


@routes.get(
    "ledger/accounts/<uuid:account_id>/statement",
    access=_MAY,
    query=SpanQuery,
    answer=Statement,
    files=FILES,
    raises=(Missing,),
)
def show_statement(call: Call[None, SpanQuery], account_id: UUID) -> Statement | File:
    """Show an account's lines with the running balance."""
    book_id, span = call.org_id, call.query.span()
    return lines_as_asked(
        call.query.format,
        lambda: account_statement(book_id=book_id, account_id=account_id, span=span),
        lambda: statement_table(book_id=book_id, account_id=account_id, span=span),
    )


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
