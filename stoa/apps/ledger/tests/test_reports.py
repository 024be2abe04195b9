"""Statements and their tie-outs, on a book with a year's life in it."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from stoa.apps.ledger.contracts import BalanceSheet, CashFlow, Span, credit, debit
from stoa.apps.ledger.errors import PeriodLocked
from stoa.apps.ledger.queries import trial_balance
from stoa.apps.ledger.services.books import system_account
from stoa.apps.ledger.services.ledger_lines import account_statement
from stoa.apps.ledger.services.periods import add_period, close_period
from stoa.apps.ledger.services.posting import post_entry
from stoa.apps.ledger.services.reporting import (
    balance_sheet,
    cash_flow,
    income_statement,
    tax_report,
)
from stoa.apps.ledger.services.year_close import close_year
from stoa.apps.ledger.tests.factories import Books
from stoa.kit.money import Money

pytestmark = pytest.mark.django_db
YEAR = datetime(2025, 1, 1, tzinfo=UTC)
NEXT = datetime(2026, 1, 1, tzinfo=UTC)


def usd(*amounts: str) -> tuple[Money, ...]:
    return tuple(Money.parse(amount, "USD") for amount in amounts)


class Year:
    def __init__(self) -> None:
        self.books = books = Books()
        self.move("bank", "equity", 10_000_00, 0)
        self.move("operating", "bank", 900_00, 20)
        lines = (
            debit(books["cash"], 1_200_00, "USD"),
            credit(books["sales_revenue"], 1_000_00, "USD"),
            credit(books["tax_payable"], 200_00, "USD"),
        )
        post_entry(draft=books.draft(lines, at=YEAR + timedelta(days=30)))
        self.move("discounts", "cash", 50_00, 31)
        self.move("cash", "bank", 300_00, 32)
        self.move("tax_payable", "bank", 150_00, 90)
        self.move("payroll", "payable", 400_00, 100)

    def move(self, to: str, source: str, amount: int, day: int) -> None:
        self.books.move(to, source, amount, at=YEAR + timedelta(days=day))


@pytest.fixture
def year() -> Year:
    return Year()


def balances(sheet: BalanceSheet) -> bool:
    return all(each.minor == 0 for each in sheet.difference)


def flows(report: CashFlow) -> int:
    return sum(row.flow.minor for row in report.rows)


def test_the_income_statement(year: Year) -> None:
    told = income_statement(book_id=year.books.id, span=Span(YEAR, NEXT))
    assert [(row.code, row.amount.amount) for row in told.revenue.rows] == [("4000", "1000.00"), ("4100", "-50.00")]
    assert [(row.code, row.amount.amount) for row in told.expenses.rows] == [("5200", "400.00"), ("5300", "900.00")]
    assert told.net_income == usd("-350.00")
    assert income_statement(book_id=year.books.id, span=Span(NEXT, None)).net_income == ()


def test_the_balance_sheet_balances_at_every_instant(year: Year) -> None:
    for day in (0, 1, 21, 31, 50, 91, 101, 400):
        assert balances(balance_sheet(book_id=year.books.id, until=YEAR + timedelta(days=day)))
    told = balance_sheet(book_id=year.books.id)
    assert (told.assets.totals, told.liabilities.totals) == (usd("10100.00"), usd("450.00"))
    assert (told.equity.totals, told.unclosed_earnings) == (usd("10000.00"), usd("-350.00"))


def test_the_cash_flow_ties_opening_to_closing(year: Year) -> None:
    for span in (Span(None, None), Span(YEAR, NEXT), Span(YEAR + timedelta(days=25), YEAR + timedelta(days=95))):
        told = cash_flow(book_id=year.books.id, span=span)
        opening = sum(each.minor for each in told.opening)
        assert opening + flows(told) == sum(each.minor for each in told.closing)
    whole = cash_flow(book_id=year.books.id, span=Span(YEAR, NEXT))
    assert {row.code: row.flow.amount for row in whole.rows} == {
        "2100": "50.00",
        "3000": "10000.00",
        "4000": "1000.00",
        "4100": "-50.00",
        "5300": "-900.00",
    }


def test_the_tax_report(year: Year) -> None:
    [row] = tax_report(book_id=year.books.id, span=Span(YEAR + timedelta(days=60), NEXT)).rows
    assert (row.opening, row.charged, row.paid, row.closing) == usd("200.00", "0.00", "150.00", "50.00")


def test_a_statement_runs_to_its_balance(year: Year) -> None:
    cash = year.books["cash"]
    told = account_statement(book_id=year.books.id, account_id=cash, span=Span(YEAR + timedelta(days=31), NEXT))
    assert told.opening == Money(1_200_00, "USD")
    assert [(row.side, row.amount.amount, row.balance.amount) for row in told.rows] == [
        ("credit", "50.00", "1150.00"),
        ("debit", "300.00", "1450.00"),
    ]
    assert told.closing == told.rows[-1].balance


def test_the_year_closes_to_retained_earnings_once(year: Year) -> None:
    earned = income_statement(book_id=year.books.id, span=Span(YEAR, NEXT)).net_income
    [closed] = close_year(book_id=year.books.id, ends_at=NEXT)
    assert closed.is_new
    assert close_year(book_id=year.books.id, ends_at=NEXT) == []
    sheet = balance_sheet(book_id=year.books.id, until=NEXT)
    assert balances(sheet)
    assert [each.minor for each in sheet.unclosed_earnings] == [0]
    retained = [row.amount for row in sheet.equity.rows if row.code == "3100"]
    assert tuple(retained) == earned
    # What the year earned is told as before: its closing entry is no expense.
    assert income_statement(book_id=year.books.id, span=Span(YEAR, NEXT)).net_income == earned
    period = add_period(book_id=year.books.id, name="2025", starts_at=YEAR, ends_at=NEXT)
    close_period(book_id=year.books.id, period_id=period.id)
    with pytest.raises(PeriodLocked):
        year.move("cash", "bank", 1, 5)


def test_a_report_of_what_was_known_can_be_made_again(year: Year) -> None:
    known = trial_balance(book_id=year.books.id)
    last = max(row.recorded_at for row in [year.books.move("cash", "bank", 1)])
    before = balance_sheet(book_id=year.books.id, recorded_to=last - timedelta(milliseconds=1))
    year.move("operating", "bank", 77_00, 40)
    again = balance_sheet(book_id=year.books.id, recorded_to=last - timedelta(milliseconds=1))
    assert (before, known.totals) == (again, known.totals)
    assert balance_sheet(book_id=year.books.id).assets != again.assets


def test_each_currency_ties_by_itself(year: Year) -> None:
    books = year.books
    euro = {role: system_account(book_id=books.id, role=role, currency="EUR") for role in ("bank", "fx", "fees")}
    lines = (
        debit(euro["bank"], 90_00, "EUR"),
        credit(euro["fx"], 90_00, "EUR"),
        debit(books["fx"], 100_00, "USD"),
        credit(books["bank"], 100_00, "USD"),
    )
    post_entry(draft=books.draft(lines, at=YEAR + timedelta(days=120)))
    post_entry(draft=books.draft((debit(euro["fees"], 5_00, "EUR"), credit(euro["bank"], 5_00, "EUR"))))
    sheet = balance_sheet(book_id=books.id)
    assert [each.currency for each in sheet.difference] == ["EUR", "USD"]
    assert balances(sheet)
    assert len(close_year(book_id=books.id, ends_at=datetime(2027, 1, 1, tzinfo=UTC))) == 2
    assert balances(balance_sheet(book_id=books.id))


def test_random_books_tie(year: Year) -> None:
    chance, books = random.Random(7), year.books
    roles = ["cash", "bank", "payable", "equity", "sales_revenue", "fees", "tax_payable", "cogs"]
    for _ in range(200):
        to, source = chance.sample(roles, 2)
        year.move(to, source, chance.randrange(1, 10**6), chance.randrange(364))
    for _ in range(10):
        since, until = sorted(YEAR + timedelta(days=chance.randrange(366)) for _ in range(2))
        before, after = (balance_sheet(book_id=books.id, until=instant) for instant in (since, until))
        assert balances(before)
        assert balances(after)
        net = income_statement(book_id=books.id, span=Span(since, until)).net_income
        earned = [sum(each.minor for each in sheet.unclosed_earnings) for sheet in (before, after)]
        assert sum(each.minor for each in net) == earned[1] - earned[0]
        flow = cash_flow(book_id=books.id, span=Span(since, until))
        assert sum(x.minor for x in flow.closing) - sum(x.minor for x in flow.opening) == flows(flow)
