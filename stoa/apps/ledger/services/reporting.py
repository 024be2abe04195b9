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
    Side,
    Span,
    Statement,
    StatementRow,
    StatementTotal,
    TaxReport,
    TaxRow,
)
from stoa.apps.ledger.domain import YEAR_CLOSE
from stoa.apps.ledger.models import Account, Seal
from stoa.apps.ledger.queries import NOT_SET_ASIDE, set_aside
from stoa.kit.errors import Invalid, Missing
from stoa.kit.money import Money
from stoa.platform.db.rows import fetch_rows
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.outbox.values import read_time, read_uuid, stored_time, stored_uuid

CASH_ROLES = ("cash", "bank")
MOST_ROWS = 10_000

_SUMS = """SELECT account.id, account.code, account.name, account.type, account.normal, account.currency, account.role,
  sum(CASE line.side WHEN 1 THEN line.amount_minor ELSE 0 END),
  sum(CASE line.side WHEN -1 THEN line.amount_minor ELSE 0 END)
FROM ledger_line AS line JOIN ledger_entry AS entry ON entry.id = line.entry_id
JOIN ledger_account AS account ON account.id = line.account_id
WHERE entry.book_id = %s {bounds}
GROUP BY account.id, account.code, account.name, account.type, account.normal, account.currency, account.role
ORDER BY account.code"""


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
    """Of every account that was posted to in the span, by code. One query. `more` is SQL of ours."""
    bounds, values = _bounds(span)
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
        sealed_to=_sealed_to(book_id),
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

    Three queries. Per currency assets are liabilities and equity: `difference` says by how much they are not."""
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
        sealed_to=_sealed_to(book_id),
        quarantined=set_aside(book_id=book_id),
        assets=assets,
        liabilities=liabilities,
        equity=equity,
        unclosed_earnings=earnings,
        difference=_difference(assets.totals, (*liabilities.totals, *equity.totals, *earnings)),
    )


def cash_flow(*, book_id: UUID, span: Span) -> CashFlow:
    """By the direct method: what came to and went from cash and bank, by the account on the other side. Five queries.

    An entry with several other sides is divided as its lines are; moves between cash accounts are no flow."""
    bounds, values = _bounds(span)
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
        sealed_to=_sealed_to(book_id),
        quarantined=set_aside(book_id=book_id),
        opening=_moneys(opening),
        rows=rows,
        closing=_moneys(closing),
    )


def tax_report(*, book_id: UUID, span: Span) -> TaxReport:
    """What the tax accounts owed at the start, what was charged and paid, and what they owe at the end. Four queries."""
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
        sealed_to=_sealed_to(book_id),
        quarantined=set_aside(book_id=book_id),
        rows=tuple(rows),
    )


def account_statement(*, book_id: UUID, account_id: UUID, span: Span) -> Statement:
    """Every line of an account in a span, with the running balance on its normal side. Three queries.

    Raises Missing, Invalid for more than MOST_ROWS lines: ask for a shorter span, or for an export."""
    with tenant_scope(book_id):
        account = Account.objects.filter(pk=account_id).first()
    if account is None:
        raise Missing
    opening = _held_before(account, span) if span.since is not None else 0
    bounds, values = _bounds(span)
    statement = f"""SELECT entry.id, entry.effective_at, entry.kind, entry.description, line.side, line.amount_minor,
      line.memo FROM ledger_line AS line JOIN ledger_entry AS entry ON entry.id = line.entry_id
    WHERE line.account_id = %s {bounds} ORDER BY entry.effective_at, entry.id, line.id LIMIT {MOST_ROWS + 1}"""
    found = fetch_rows(statement, [stored_uuid(account_id), *values])
    if len(found) > MOST_ROWS:
        raise Invalid({"since": [f"more than {MOST_ROWS} lines: ask for a shorter span"]})
    running, rows = opening, []
    for entry_id, at, kind, description, side, amount, memo in found:
        running += side * amount * account.normal
        rows.append(
            StatementRow(
                entry_id=read_uuid(entry_id),
                effective_at=read_time(at),
                kind=kind,
                description=memo or description,
                side=Side(side).name.lower(),
                amount=Money(amount, account.currency),
                balance=Money(running, account.currency),
            )
        )
    return Statement(
        account_id=account_id,
        code=account.code,
        name=account.name,
        since=span.since,
        until=span.until,
        opening=Money(opening, account.currency),
        rows=tuple(rows),
        closing=Money(running, account.currency),
    )


def _held_before(account: Account, span: Span) -> int:
    """On the account's normal side. One query, over the lines of this account alone."""
    bounds, values = _bounds(replace(span, since=None, until=span.since))
    statement = f"""SELECT coalesce(sum(line.side * line.amount_minor), 0) FROM ledger_line AS line
    JOIN ledger_entry AS entry ON entry.id = line.entry_id WHERE line.account_id = %s {bounds}"""
    [(signed,)] = fetch_rows(statement, [stored_uuid(account.pk), *values])
    return int(signed) * account.normal


def _bounds(span: Span) -> tuple[str, list[Any]]:
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


def _sealed_to(book_id: UUID) -> int:
    with tenant_scope(book_id):
        return Seal.objects.aggregate(last=Max("seq"))["last"] or 0
