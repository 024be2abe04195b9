"""Financial statements, from the ledger alone: each is a sum of lines between two instants of effective time.

Given `recorded_to` as well, a statement is what was known then, so that one that was handed in can be made again."""

# ruff: noqa: S608 - every statement is written here; values are parameters

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max

from stoa.apps.ledger.contracts import (
    AccountType,
    BalanceSheet,
    CashFlow,
    CashFlowRow,
    IncomeStatement,
    Section,
    Span,
    StatementTotal,
    TaxReport,
    TaxRow,
)
from stoa.apps.ledger.domain import YEAR_CLOSE
from stoa.apps.ledger.models import Seal
from stoa.apps.ledger.queries import NOT_SET_ASIDE, set_aside, sums_until
from stoa.kit.money import Money
from stoa.platform.db.rows import fetch_rows
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.outbox.values import read_uuid, stored_time, stored_uuid

CASH_ROLES = ("cash", "bank")

_SUMS = """SELECT account.id, account.code, account.name, account.type, account.normal, account.currency, account.role,
  sum(CASE line.side WHEN 1 THEN line.amount_minor ELSE 0 END),
  sum(CASE line.side WHEN -1 THEN line.amount_minor ELSE 0 END)
FROM ledger_line AS line JOIN ledger_entry AS entry ON entry.id = line.entry_id
JOIN ledger_account AS account ON account.id = line.account_id
WHERE entry.book_id = %s {bounds}
GROUP BY account.id, account.code, account.name, account.type, account.normal, account.currency, account.role
ORDER BY account.code"""

_SUMS_UNTIL = """SELECT account.id, account.code, account.name, account.type, account.normal, account.currency, account.role,
  sums.debits, sums.credits FROM ({sums}) AS sums JOIN ledger_account AS account ON account.id = sums.account_id
WHERE account.book_id = %s ORDER BY account.code"""


@dataclass(frozen=True, slots=True)
class AccountSum:
    account_id: UUID
    code: str
    name: str
    type: AccountType
    normal: int
    currency: str
    role: str
    debits: int
    credits: int

    @property
    def signed(self) -> int:
        """Debits less credits."""
        return self.debits - self.credits


def sums_of_accounts(*, book_id: UUID, span: Span, more: str = "") -> list[AccountSum]:
    """Of every account that was posted to in the span, by code. `more` is SQL of ours. One query, or two where
    checkpoints serve: from the beginning, everything, as it is known now."""
    if is_counted(span=span) and not more:
        sums, values = sums_until(book_id=book_id, until=span.until)
        rows = fetch_rows(_SUMS_UNTIL.format(sums=sums), [*values, stored_uuid(book_id)])
    else:
        bounds, values = bounds_of(span=span)
        rows = fetch_rows(_SUMS.format(bounds=f"{bounds} {more}"), [stored_uuid(book_id), *values])
    return [
        AccountSum(
            read_uuid(row[0]), row[1], row[2], AccountType(row[3]), row[4], row[5], row[6], int(row[7]), int(row[8])
        )
        for row in rows
    ]


def income_statement(*, book_id: UUID, span: Span) -> IncomeStatement:
    """Revenue less expenses of a span, without the entries that close a year. Three queries."""
    sums = sums_of_accounts(book_id=book_id, span=span, more=f"AND entry.kind <> '{YEAR_CLOSE}'")
    revenue = _section("Revenue", sums, AccountType.REVENUE)
    expense = _section("Expenses", sums, AccountType.EXPENSE)
    return IncomeStatement(
        since=span.since,
        until=span.until,
        recorded_to=span.recorded_to,
        sealed_to=sealed_to(book_id=book_id),
        quarantined=set_aside(book_id=book_id),
        revenue=revenue,
        expenses=expense,
        net_income=_difference(revenue.totals, expense.totals),
    )


def balance_sheet(
    *,
    book_id: UUID,
    until: datetime | None = None,
    recorded_to: datetime | None = None,
    without_quarantined: bool = False,
) -> BalanceSheet:
    """Everything up to but without `until`. Earnings that no year close has moved to equity stand there as such.

    Four queries. Per currency assets are liabilities and equity: `difference` says by how much they are not."""
    span = Span(until=until, recorded_to=recorded_to, without_quarantined=without_quarantined)
    sums = sums_of_accounts(book_id=book_id, span=span)
    assets = _section("Assets", sums, AccountType.ASSET)
    liabilities = _section("Liabilities", sums, AccountType.LIABILITY)
    equity = _section("Equity", sums, AccountType.EQUITY)
    earned: dict[str, int] = defaultdict(int)
    for each in sums:
        if each.type in {AccountType.REVENUE, AccountType.EXPENSE}:
            earned[each.currency] -= each.signed
    earnings = _moneys(earned)
    return BalanceSheet(
        until=until,
        recorded_to=recorded_to,
        sealed_to=sealed_to(book_id=book_id),
        quarantined=set_aside(book_id=book_id),
        assets=assets,
        liabilities=liabilities,
        equity=equity,
        unclosed_earnings=earnings,
        difference=_difference(assets.totals, (*liabilities.totals, *equity.totals, *earnings)),
    )


def cash_flow(*, book_id: UUID, span: Span) -> CashFlow:
    """By the direct method: what came to and went from cash and bank, by the account on the other side. Seven queries.

    An entry with several other sides is divided as its lines are; moves between cash accounts are no flow."""
    bounds, values = bounds_of(span=span)
    statement = f"""SELECT account.id, account.code, account.name, account.type, account.currency,
      -sum(line.side * line.amount_minor)
    FROM ledger_line AS line JOIN ledger_entry AS entry ON entry.id = line.entry_id
    JOIN ledger_account AS account ON account.id = line.account_id
    WHERE entry.book_id = %s {bounds} AND account.role NOT IN ('cash', 'bank') AND EXISTS (
      SELECT 1 FROM ledger_line AS other JOIN ledger_account AS cash ON cash.id = other.account_id
      WHERE other.entry_id = entry.id AND cash.role IN ('cash', 'bank') AND cash.currency = account.currency)
    GROUP BY account.id, account.code, account.name, account.type, account.currency ORDER BY account.code"""
    rows = tuple(
        CashFlowRow(
            account_id=read_uuid(row[0]), code=row[1], name=row[2], type=row[3], flow=Money(int(row[5]), row[4])
        )
        for row in fetch_rows(statement, [stored_uuid(book_id), *values])
        if row[5]
    )
    opening = (
        _cash(sums_of_accounts(book_id=book_id, span=replace(span, since=None, until=span.since))) if span.since else {}
    )
    closing = _cash(sums_of_accounts(book_id=book_id, span=replace(span, since=None)))
    return CashFlow(
        since=span.since,
        until=span.until,
        recorded_to=span.recorded_to,
        sealed_to=sealed_to(book_id=book_id),
        quarantined=set_aside(book_id=book_id),
        opening=_moneys(opening),
        rows=rows,
        closing=_moneys(closing),
    )


def tax_report(*, book_id: UUID, span: Span) -> TaxReport:
    """What the tax accounts owed at the start, what was charged and paid, and what they owe at the end. Five queries."""
    before = {
        each.currency: -each.signed
        for each in (
            sums_of_accounts(book_id=book_id, span=replace(span, since=None, until=span.since)) if span.since else ()
        )
        if each.role == "tax_payable"
    }
    moved = {each.currency: each for each in sums_of_accounts(book_id=book_id, span=span) if each.role == "tax_payable"}
    rows = []
    for currency in sorted({*before, *moved}):
        opening, sums = before.get(currency, 0), moved.get(currency)
        charged, paid = (sums.credits, sums.debits) if sums is not None else (0, 0)
        rows.append(
            TaxRow(
                opening=Money(opening, currency),
                charged=Money(charged, currency),
                paid=Money(paid, currency),
                closing=Money(opening + charged - paid, currency),
            )
        )
    return TaxReport(
        since=span.since,
        until=span.until,
        recorded_to=span.recorded_to,
        sealed_to=sealed_to(book_id=book_id),
        quarantined=set_aside(book_id=book_id),
        rows=tuple(rows),
    )


def is_counted(*, span: Span) -> bool:
    """Whether checkpoints know it: they tell neither when something was recorded nor what was set aside."""
    return span.since is None and span.recorded_to is None and not span.without_quarantined


def bounds_of(*, span: Span) -> tuple[str, list[Any]]:
    clauses, values = NOT_SET_ASIDE if span.without_quarantined else "", []
    for clause, instant in (
        ("entry.effective_at >= %s", span.since),
        ("entry.effective_at < %s", span.until),
        ("entry.recorded_at <= %s", span.recorded_to),
    ):
        if instant is not None:
            clauses += f" AND {clause}"
            values.append(stored_time(instant))
    return clauses, values


def _section(title: str, sums: Iterable[AccountSum], of_type: AccountType) -> Section:
    """On the type's own side: an account that stands against it is negative."""
    rows = []
    totals: dict[str, int] = defaultdict(int)
    for each in sums:
        if each.type is of_type:
            minor = each.signed * of_type.normal
            rows.append(
                StatementTotal(
                    account_id=each.account_id, code=each.code, name=each.name, amount=Money(minor, each.currency)
                )
            )
            totals[each.currency] += minor
    return Section(title=title, rows=tuple(rows), totals=_moneys(totals))


def _cash(sums: Iterable[AccountSum]) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for each in sums:
        if each.role in CASH_ROLES:
            found[each.currency] += each.signed
    return found


def _moneys(minors: dict[str, int]) -> tuple[Money, ...]:
    return tuple(Money(minor, currency) for currency, minor in sorted(minors.items()))


def _difference(plus: Sequence[Money], minus: Sequence[Money]) -> tuple[Money, ...]:
    found: dict[str, int] = defaultdict(int)
    for sign, moneys in ((1, plus), (-1, minus)):
        for each in moneys:
            found[each.currency] += sign * each.minor
    return _moneys(found)


def sealed_to(*, book_id: UUID) -> int:
    with tenant_scope(book_id):
        return Seal.objects.aggregate(last=Max("seq"))["last"] or 0
