"""Reports that show lines: the statement of one account, and the general ledger, which is that of all of them.

As answers they end at MOST_ROWS lines; as files they are read with a cursor while they are written, however many."""

# ruff: noqa: S608 - every statement is written here; values are parameters

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from dataclasses import replace as replaced
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import connection

from stoa.apps.ledger.contracts import GeneralLedger, LedgerAccount, Side, Span, Statement, StatementRow
from stoa.apps.ledger.models import Account
from stoa.apps.ledger.queries import set_aside, sums_until
from stoa.apps.ledger.services.reporting import bounds_of, is_counted, sealed_to, sums_of_accounts
from stoa.kit.errors import Invalid, Missing
from stoa.kit.money import Money
from stoa.platform.db.rows import fetch_rows
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.outbox.values import read_time, read_uuid, stored_uuid

MOST_ROWS = 10_000
_AT_ONCE = 2000
_LINES = """SELECT account.id, entry.id, entry.effective_at, entry.kind, entry.description, line.side,
  line.amount_minor, line.memo
FROM ledger_line AS line JOIN ledger_entry AS entry ON entry.id = line.entry_id
JOIN ledger_account AS account ON account.id = line.account_id
WHERE {owner} {bounds} ORDER BY account.code, account.id, entry.effective_at, entry.id, line.id {limit}"""


@dataclass(frozen=True, slots=True)
class Opened:
    """An account at the beginning of a span; `opening` is on its normal side."""

    id: UUID
    code: str
    name: str
    normal: int
    opening: Money

    def row(self, line: tuple[Any, ...], running: int) -> tuple[StatementRow, int]:
        """A line as it is shown, and the balance behind it in minor units."""
        _, entry_id, at, kind, description, side, amount, memo = line
        running += side * amount * self.normal
        currency = self.opening.currency
        shown = StatementRow(
            entry_id=read_uuid(entry_id),
            effective_at=read_time(at),
            kind=kind,
            description=memo or description,
            side=Side(side).name.lower(),
            amount=Money(amount, currency),
            balance=Money(running, currency),
        )
        return shown, running


def opened_account(*, book_id: UUID, account_id: UUID, span: Span) -> Opened:
    """With its opening balance, from checkpoints or summed over its own lines. At most three queries. Raises Missing."""
    with tenant_scope(book_id):
        account = Account.objects.filter(pk=account_id).first()
    if account is None:
        raise Missing
    held, before = 0, replaced(span, since=None, until=span.since)
    if span.since is not None and is_counted(span=before):
        sums, values = sums_until(book_id=book_id, until=span.since, account_id=account_id)
        held = sum(int(debit) - int(credit) for _, debit, credit in fetch_rows(sums, values)) * account.normal
    elif span.since is not None:
        bounds, values = bounds_of(span=before)
        statement = f"""SELECT coalesce(sum(line.side * line.amount_minor), 0) FROM ledger_line AS line
        JOIN ledger_entry AS entry ON entry.id = line.entry_id WHERE line.account_id = %s {bounds}"""
        [(signed,)] = fetch_rows(statement, [stored_uuid(account.pk), *values])
        held = int(signed) * account.normal
    return Opened(account.pk, account.code, account.name, account.normal, Money(held, account.currency))


def account_statement(*, book_id: UUID, account_id: UUID, span: Span) -> Statement:
    """Every line of an account in a span, with the running balance on its normal side. Three queries.

    Raises Missing, Invalid for more than MOST_ROWS lines: ask for a shorter span, or for a file."""
    account = opened_account(book_id=book_id, account_id=account_id, span=span)
    statement, values = _statement(book_id, span, account_id, most=MOST_ROWS + 1)
    rows = tuple(_running(account, _few(fetch_rows(statement, values))))
    return Statement(
        account_id=account_id,
        code=account.code,
        name=account.name,
        since=span.since,
        until=span.until,
        opening=account.opening,
        rows=rows,
        closing=rows[-1].balance if rows else account.opening,
    )


def streamed_statement(*, book_id: UUID, account: Opened, span: Span) -> Iterator[StatementRow]:
    """The same lines, read while they are used. One query."""
    yield from _running(account, _streamed(book_id, span, account.id))


def opened_accounts(*, book_id: UUID, span: Span) -> dict[UUID, Opened]:
    """Every account of a book at the beginning of a span, by code. Three queries, one without a beginning."""
    held = {}
    if span.since is not None:
        before = sums_of_accounts(book_id=book_id, span=replaced(span, since=None, until=span.since))
        held = {each.account_id: each.signed * each.normal for each in before}
    with tenant_scope(book_id):
        rows = Account.objects.order_by("code", "id").values_list("pk", "code", "name", "normal", "currency")
        return {
            pk: Opened(pk, code, name, normal, Money(held.get(pk, 0), currency))
            for pk, code, name, normal, currency in rows
        }


def general_ledger(*, book_id: UUID, span: Span) -> GeneralLedger:
    """Every account that held something or moved, with its lines. Six queries.

    Raises Invalid for more than MOST_ROWS lines: ask for a shorter span, or for a file."""
    accounts = opened_accounts(book_id=book_id, span=span)
    statement, values = _statement(book_id, span, None, most=MOST_ROWS + 1)
    lines = _few(fetch_rows(statement, values))
    moved = {read_uuid(pk): list(of_one) for pk, of_one in groupby(lines, key=lambda line: line[0])}
    told = []
    for account in accounts.values():
        rows = tuple(_running(account, iter(moved.get(account.id, ()))))
        if rows or account.opening.minor:
            told.append(
                LedgerAccount(
                    account_id=account.id,
                    code=account.code,
                    name=account.name,
                    opening=account.opening,
                    rows=rows,
                    closing=rows[-1].balance if rows else account.opening,
                )
            )
    return GeneralLedger(
        since=span.since,
        until=span.until,
        recorded_to=span.recorded_to,
        sealed_to=sealed_to(book_id=book_id),
        quarantined=set_aside(book_id=book_id),
        accounts=tuple(told),
    )


def streamed_general_ledger(*, book_id: UUID, span: Span) -> Iterator[tuple[Opened, Iterator[StatementRow]]]:
    """Accounts with their lines, read while they are used: each account's to their end before the next. Four queries."""
    accounts = opened_accounts(book_id=book_id, span=span)
    moved = groupby(_streamed(book_id, span, None), key=lambda line: read_uuid(line[0]))
    waiting = next(moved, None)
    for account in accounts.values():
        if waiting is not None and waiting[0] == account.id:
            yield account, _running(account, waiting[1])
            waiting = next(moved, None)
        elif account.opening.minor:
            yield account, iter(())


def count_lines(*, book_id: UUID, span: Span, account_id: UUID | None = None) -> int:
    """How many lines a report will show. One query."""
    bounds, values = bounds_of(span=span)
    owner, whose = _owner(book_id, account_id)
    statement = f"""SELECT count(*) FROM ledger_line AS line JOIN ledger_entry AS entry ON entry.id = line.entry_id
    WHERE {owner} {bounds}"""
    return int(fetch_rows(statement, [whose, *values])[0][0])


def _owner(book_id: UUID, account_id: UUID | None) -> tuple[str, object]:
    if account_id is not None:
        return "line.account_id = %s", stored_uuid(account_id)
    return "entry.book_id = %s", stored_uuid(book_id)


def _statement(book_id: UUID, span: Span, account_id: UUID | None, most: int | None = None) -> tuple[str, list[Any]]:
    bounds, values = bounds_of(span=span)
    owner, whose = _owner(book_id, account_id)
    limit = f"LIMIT {most}" if most is not None else ""
    return _LINES.format(owner=owner, bounds=bounds, limit=limit), [whose, *values]


def _streamed(book_id: UUID, span: Span, account_id: UUID | None) -> Iterator[tuple[Any, ...]]:
    statement, values = _statement(book_id, span, account_id)
    # A plain one would bring every row to the client before the first is read.
    with closing(connection.chunked_cursor()) as cursor:
        cursor.execute(statement, values)
        while rows := cursor.fetchmany(_AT_ONCE):
            yield from rows


def _running(account: Opened, lines: Iterator[tuple[Any, ...]]) -> Iterator[StatementRow]:
    running = account.opening.minor
    for line in lines:
        row, running = account.row(line, running)
        yield row


def _few(rows: list[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    if len(rows) > MOST_ROWS:
        raise Invalid({"since": [f"more than {MOST_ROWS} lines: ask for a shorter span, or for a file"]})
    return iter(rows)
