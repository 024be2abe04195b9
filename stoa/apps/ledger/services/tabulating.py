"""Reports as tables, for files: what is written above the rows names book, time and number, so that it can be made again."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from stoa.apps.ledger.contracts import (
    AgedReport,
    BalanceSheet,
    CashFlow,
    IncomeStatement,
    Section,
    SetAside,
    Span,
    StatementRow,
    TaxReport,
    TrialBalance,
)
from stoa.apps.ledger.queries import set_aside
from stoa.apps.ledger.services.ledger_lines import (
    Opened,
    opened_account,
    streamed_general_ledger,
    streamed_statement,
)
from stoa.apps.ledger.services.reporting import sealed_to
from stoa.kit.contract import Contract
from stoa.kit.money import Money
from stoa.platform.tables.table import Cell, Column, Row, Table

_CODE, _NAME, _CURRENCY = Column("Code", 12), Column("Account", 34), Column("Currency", 9)
_STATEMENT = (Column("Section", 14), _CODE, _NAME, Column("Amount", 18, is_amount=True), _CURRENCY)


def table_of(*, report: Contract, book_id: UUID) -> Table:
    """Of any report but those that show lines. Raises KeyError for what is no report."""
    return _TABLES[type(report)](report, book_id)


def statement_table(*, book_id: UUID, account_id: UUID, span: Span) -> Table:
    """Of an account's lines, read while they are written. Raises Missing."""
    account = opened_account(book_id=book_id, account_id=account_id, span=span)
    return Table(
        name=f"statement-{account.code}",
        title=f"Statement of {account.code} {account.name}",
        notes=_lined_notes(book_id, span),
        columns=_LINED,
        rows=_lined(account, streamed_statement(book_id=book_id, account=account, span=span)),
    )


def general_ledger_table(*, book_id: UUID, span: Span) -> Table:
    """Of every account's lines, read while they are written."""

    def rows() -> Iterator[Row]:
        for account, lines in streamed_general_ledger(book_id=book_id, span=span):
            yield from _lined(account, lines)

    return Table(
        name="general-ledger",
        title="General ledger",
        notes=_lined_notes(book_id, span),
        columns=_LINED,
        rows=rows(),
    )


_LINED = (
    *(Column("Code", 10), Column("Account", 22), Column("Date", 20), Column("Kind", 16), Column("Description", 26)),
    *(Column("Debit", 15, is_amount=True), Column("Credit", 15, is_amount=True), Column("Balance", 16, is_amount=True)),
    Column("Currency", 9),
)


def _lined(account: Opened, lines: Iterable[StatementRow]) -> Iterator[Row]:
    currency = account.opening.currency

    def total(word: str, balance: Money) -> Row:
        return Row((account.code, account.name, None, None, word, None, None, balance, currency), is_total=True)

    yield total("Opening balance", account.opening)
    balance = account.opening
    for line in lines:
        sides = (line.amount, None) if line.side == "debit" else (None, line.amount)
        balance = line.balance
        cells = (account.code, account.name, line.effective_at, line.kind, line.description, *sides, balance, currency)
        yield Row(cells)
    yield total("Closing balance", balance)


def _trial(report: TrialBalance, book_id: UUID) -> Table:
    def rows() -> Iterator[Row]:
        for row in report.rows:
            yield Row((row.code, row.name, *_sides(row.debits.minor - row.credits.minor, row.debits.currency)))
        for currency in sorted({total.debits.currency for total in report.totals}):
            signed = [row.debits.minor - row.credits.minor for row in report.rows if row.debits.currency == currency]
            left = Money(sum(each for each in signed if each > 0), currency)
            right = Money(-sum(each for each in signed if each < 0), currency)
            yield Row((None, "Total", left, right, currency), is_total=True)

    return Table(
        name=f"trial-balance-{report.sealed_to}",
        title="Trial balance",
        notes=_notes(book_id, report, _up_to(report.effective_to)),
        columns=(
            *(_CODE, _NAME, Column("Debit", 18, is_amount=True), Column("Credit", 18, is_amount=True)),
            _CURRENCY,
        ),
        rows=rows(),
    )


def _income(report: IncomeStatement, book_id: UUID) -> Table:
    rows = [*_section(report.revenue), *_section(report.expenses), *_totals("Net income", report.net_income)]
    return _statement("income-statement", "Income statement", report, book_id, rows)


def _sheet(report: BalanceSheet, book_id: UUID) -> Table:
    rows = [
        *(row for section in (report.assets, report.liabilities, report.equity) for row in _section(section)),
        *_totals("Earnings not yet closed", report.unclosed_earnings),
        *_totals("Difference", report.difference),
    ]
    name, title = "balance-sheet", "Balance sheet"
    notes = _notes(book_id, report, _up_to(report.until))
    return Table(f"{name}-{report.sealed_to}", title, notes, _STATEMENT, rows)


def _cash_flow(report: CashFlow, book_id: UUID) -> Table:
    flows = [Row(("Flow", row.code, row.name, row.flow, row.flow.currency)) for row in report.rows]
    rows = [*_totals("Opening cash", report.opening), *flows, *_totals("Closing cash", report.closing)]
    return _statement("cash-flow", "Cash flow", report, book_id, rows)


def _tax(report: TaxReport, book_id: UUID) -> Table:
    columns = [Column(title, 18, is_amount=True) for title in ("Opening", "Charged", "Paid", "Closing")]
    rows = [
        Row((row.closing.currency, row.opening, row.charged, row.paid, row.closing), is_total=False)
        for row in report.rows
    ]
    notes = _notes(book_id, report, _between(report.since, report.until))
    return Table(f"tax-{report.sealed_to}", "Tax", notes, (_CURRENCY, *columns), rows)


def _aged(report: AgedReport, book_id: UUID) -> Table:
    columns = (
        *(Column("Reference", 16), Column("Number", 24)),
        *(Column(name, 15, is_amount=True) for name in (*report.buckets, "Total")),
        _CURRENCY,
    )
    empty = (None,) * len(report.buckets)
    rows = [
        *(
            Row((row.reference_type, row.reference_id, *row.amounts, row.total, row.total.currency))
            for row in report.rows
        ),
        *(Row(("Total", None, *empty, total, total.currency), is_total=True) for total in report.totals),
    ]
    notes = _notes(book_id, report, _up_to(report.until))
    return Table(f"aged-{report.sealed_to}", "By age", notes, columns, rows)


_TABLES: Mapping[type[Contract], Callable[[Any, UUID], Table]] = {
    TrialBalance: _trial,
    IncomeStatement: _income,
    BalanceSheet: _sheet,
    CashFlow: _cash_flow,
    TaxReport: _tax,
    AgedReport: _aged,
}


def _statement(name: str, title: str, report: IncomeStatement | CashFlow, book_id: UUID, rows: Iterable[Row]) -> Table:
    notes = _notes(book_id, report, _between(report.since, report.until))
    return Table(f"{name}-{report.sealed_to}", title, notes, _STATEMENT, rows)


def _section(section: Section) -> Iterator[Row]:
    for row in section.rows:
        yield Row((section.title, row.code, row.name, row.amount, row.amount.currency))
    yield from _totals(f"Total {section.title.lower()}", section.totals)


def _totals(word: str, moneys: Iterable[Money]) -> Iterator[Row]:
    for money in moneys:
        yield Row((None, None, word, money, money.currency), is_total=True)


def _sides(signed: int, currency: str) -> tuple[Cell, Cell, Cell]:
    amount = Money(abs(signed), currency)
    return (amount, None, currency) if signed >= 0 else (None, amount, currency)


def _up_to(until: datetime | None) -> str:
    return f"Up to {_instant(until)}" if until is not None else "Up to now"


def _between(since: datetime | None, until: datetime | None) -> str:
    return f"From {_instant(since) if since is not None else 'the beginning'} to {_instant(until) if until else 'now'}"


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _notes(book_id: UUID, report: Any, when: str) -> tuple[str, ...]:
    return (when, *_origin(book_id, report.recorded_to, report.sealed_to, report.quarantined))


def _lined_notes(book_id: UUID, span: Span) -> tuple[str, ...]:
    aside = set_aside(book_id=book_id)
    number = sealed_to(book_id=book_id)
    return (_between(span.since, span.until), *_origin(book_id, span.recorded_to, number, aside))


def _origin(book_id: UUID, recorded_to: datetime | None, number: int, aside: tuple[SetAside, ...]) -> Iterator[str]:
    yield f"Book {book_id}, as numbered up to {number}"
    if recorded_to is not None:
        yield f"As it was known at {_instant(recorded_to)}"
    for record in aside:
        cure = f", cured by {record.cure_id}" if record.cure_id is not None else ""
        yield f"Quarantined ({record.kind}): {record.subject}{cure}"
