"""Reads of the ledger: accounts with balances, entries, statements, the trial balance of any instant."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Max, Sum

from stoa.apps.ledger.contracts import (
    AccountLine,
    AccountView,
    CurrencyTotal,
    EntryRow,
    EntryView,
    HoldView,
    LineView,
    PeriodView,
    QuarantineView,
    RateView,
    ReportJobView,
    SetAside,
    Side,
    TrialBalance,
    TrialRow,
)
from stoa.apps.ledger.domain import EARLIEST, LATEST, Quoted
from stoa.apps.ledger.models import (
    Account,
    Balance,
    Checkpoint,
    Entry,
    Hold,
    Line,
    Period,
    Quarantined,
    Rate,
    ReportJob,
    Seal,
)
from stoa.kit.errors import Missing
from stoa.kit.money import Money
from stoa.platform.db.rows import fetch_rows
from stoa.platform.db.tenant import across_tenants, tenant_scope
from stoa.platform.http.pages import Page, PageQuery, keyset_page
from stoa.platform.observability.contracts import MOST, TraceLine
from stoa.platform.outbox.values import read_uuid, stored_time, stored_uuid


def side_name(side: int) -> str:
    return Side(side).name.lower()


def _shaped(account: Account) -> AccountView:
    balance: Balance = account.balance
    return AccountView(
        id=account.pk,
        code=account.code,
        name=account.name,
        type=account.type,
        normal_side=side_name(account.normal),
        currency=account.currency,
        parent_id=account.parent_id,
        role=account.role,
        owner=account.owner,
        floor=None if account.floor_minor is None else Money(account.floor_minor, account.currency),
        is_open=account.is_open,
        balance=Money(balance.posted_minor, account.currency),
        held=Money(balance.held_minor, account.currency),
        available=Money(balance.available_minor, account.currency),
    )


def account_view(account_id: UUID) -> AccountView:
    """One query, in the scope in force. Raises Missing."""
    found = Account.objects.select_related("balance").filter(pk=account_id).first()
    if found is None:
        raise Missing
    return _shaped(found)


def account_page(query: PageQuery, *, route: str) -> Page:
    """By code, in the scope in force. One query."""
    rows = Account.objects.select_related("balance")
    return keyset_page(rows, query, route=route, order=("code", "id"), shape=_shaped)


def entry_page(query: PageQuery, *, route: str) -> Page:
    """Latest effective first, in the scope in force. One query."""

    def shape(entry: Entry) -> EntryRow:
        return EntryRow(
            id=entry.pk,
            kind=entry.kind,
            effective_at=entry.effective_at,
            recorded_at=entry.recorded_at,
            description=entry.description,
            reference_type=entry.reference_type,
            reference_id=entry.reference_id,
            reverses_id=entry.reverses_id,
        )

    return keyset_page(Entry.objects.all(), query, route=route, order=("-effective_at", "-id"), shape=shape)


def entry_view(entry_id: UUID) -> EntryView:
    """With its lines. Two queries, in the scope in force. Raises Missing."""
    entry = Entry.objects.select_related("reversed_by", "seal").filter(pk=entry_id).first()
    if entry is None:
        raise Missing
    lines = Line.objects.select_related("account").filter(entry_id=entry_id).order_by("id")
    reversed_by: Entry | None = getattr(entry, "reversed_by", None)
    seal: Seal | None = getattr(entry, "seal", None)
    return EntryView(
        id=entry.pk,
        number=seal.seq if seal is not None else None,
        kind=entry.kind,
        key=entry.key,
        effective_at=entry.effective_at,
        recorded_at=entry.recorded_at,
        description=entry.description,
        reference_type=entry.reference_type,
        reference_id=entry.reference_id,
        request_id=entry.request_id,
        reverses_id=entry.reverses_id,
        reversed_by_id=reversed_by.pk if reversed_by is not None else None,
        lines=tuple(
            LineView(
                account_id=line.account_id,
                account_code=line.account.code,
                account_name=line.account.name,
                side=side_name(line.side),
                amount=Money(line.amount_minor, line.currency),
                memo=line.memo,
            )
            for line in lines
        ),
    )


def account_line_page(account_id: UUID, query: PageQuery, *, route: str) -> Page:
    """An account's lines, last posted first, each with the balance after it, in the scope in force. Two queries.

    Postings to one account wait for each other, so nothing is ever added below a line that is shown: balances agree
    from page to page whatever is posted meanwhile."""
    found: list[Line] = []

    def shape(line: Line) -> AccountLine:
        found.append(line)
        return _moved(line, 0)

    rows = Line.objects.select_related("entry", "account").filter(account_id=account_id)
    page = keyset_page(rows, query, route=route, order=("-id",), shape=shape)
    if not found:
        return page
    found.sort(key=lambda line: line.pk)
    before = Line.objects.filter(account_id=account_id, pk__lt=found[0].pk)
    signed = before.aggregate(sum=Sum(F("side") * F("amount_minor")))["sum"] or 0
    items = []
    for line in found:
        signed += line.side * line.amount_minor
        items.append(_moved(line, int(signed) * line.account.normal))
    return Page(items=items[::-1], pagination=page.pagination)


def _moved(line: Line, balance_minor: int) -> AccountLine:
    entry = line.entry
    return AccountLine(
        entry_id=entry.pk,
        kind=entry.kind,
        effective_at=entry.effective_at,
        side=side_name(line.side),
        amount=Money(line.amount_minor, line.currency),
        balance=Money(balance_minor, line.currency),
        reference_type=entry.reference_type,
        reference_id=entry.reference_id,
        reverses_id=entry.reverses_id,
    )


def lines_of_request(request_id: str) -> list[TraceLine]:
    """What was posted under a request id. One query."""
    with across_tenants("the story of one request"):
        entries = Entry.objects.filter(request_id=request_id).exclude(request_id="").order_by("recorded_at")[:MOST]
        return [
            TraceLine(at=entry.recorded_at, what="ledger", detail=f"{entry.kind} {entry.pk} in {entry.book_id}")
            for entry in entries
        ]


def hold_view(hold: Hold, currency: str) -> HoldView:
    return HoldView(
        id=hold.pk,
        account_id=hold.account_id,
        amount=Money(hold.amount_minor, currency),
        state=hold.state,
        expires_at=hold.expires_at,
        entry_id=hold.entry_id,
    )


def hold_of(hold_id: UUID) -> HoldView:
    """One query, in the scope in force. Raises Missing."""
    hold = Hold.objects.select_related("account").filter(pk=hold_id).first()
    if hold is None:
        raise Missing
    return hold_view(hold, hold.account.currency)


def period_view(period: Period) -> PeriodView:
    return PeriodView(
        id=period.pk,
        name=period.name,
        starts_at=period.starts_at,
        ends_at=period.ends_at,
        is_closed=period.is_closed,
    )


def period_page(query: PageQuery, *, route: str) -> Page:
    """Latest first, in the scope in force. One query."""
    return keyset_page(Period.objects.all(), query, route=route, order=("-starts_at", "-id"), shape=period_view)


def quarantine_view(row: Quarantined) -> QuarantineView:
    return QuarantineView(
        id=row.pk,
        kind=row.kind,
        subject=row.subject,
        entry_id=row.entry_id,
        told=row.told,
        reason=row.reason,
        quarantined_by=row.quarantined_by,
        quarantined_at=row.quarantined_at,
        is_cured=row.cure_id is not None,
        approval_id=row.approval_id,
        cure_id=row.cure_id,
        cure_reason=row.cure_reason,
        cured_by=row.cured_by,
        cured_at=row.cured_at,
    )


def quarantine_of(quarantine_id: UUID) -> QuarantineView:
    """One query, in the scope in force. Raises Missing."""
    row = Quarantined.objects.filter(pk=quarantine_id).first()
    if row is None:
        raise Missing
    return quarantine_view(row)


def quarantine_page(query: PageQuery, *, route: str) -> Page:
    """Latest first, in the scope in force. One query."""
    return keyset_page(Quarantined.objects.all(), query, route=route, order=("-id",), shape=quarantine_view)


_FROM_BALANCES = """SELECT account.id, account.code, account.name, account.type, account.normal, account.currency,
  balance.debit_minor, balance.credit_minor
FROM ledger_account AS account JOIN ledger_balance AS balance ON balance.account_id = account.id
WHERE account.book_id = %s ORDER BY account.code"""
_FROM_SUMS = """SELECT account.id, account.code, account.name, account.type, account.normal, account.currency,
  coalesce(sums.debits, 0), coalesce(sums.credits, 0)
FROM ledger_account AS account LEFT JOIN ({sums}) AS sums ON sums.account_id = account.id
WHERE account.book_id = %s ORDER BY account.code"""
_FROM_LINES = """SELECT account.id, account.code, account.name, account.type, account.normal, account.currency,
  coalesce(sums.debits, 0), coalesce(sums.credits, 0)
FROM ledger_account AS account LEFT JOIN (
  SELECT line.account_id,
    sum(CASE line.side WHEN 1 THEN line.amount_minor ELSE 0 END) AS debits,
    sum(CASE line.side WHEN -1 THEN line.amount_minor ELSE 0 END) AS credits
  FROM ledger_line AS line JOIN ledger_entry AS entry ON entry.id = line.entry_id
  WHERE entry.book_id = %s {bounds} GROUP BY line.account_id
) AS sums ON sums.account_id = account.id
WHERE account.book_id = %s ORDER BY account.code"""


def rate_view(row: Rate) -> RateView:
    rate = Quoted(row.mantissa, row.scale).text
    return RateView(id=row.pk, base=row.base, quote=row.quote, rate=rate, at=row.at, source=row.source)


def rate_page(query: PageQuery, *, route: str) -> Page:
    """Latest first, in the scope in force. One query."""
    return keyset_page(Rate.objects.all(), query, route=route, order=("-at", "-id"), shape=rate_view)


def report_job_page(query: PageQuery, *, route: str, shape: Callable[[ReportJob], ReportJobView]) -> Page:
    """Latest first, in the scope in force. One query."""
    return keyset_page(ReportJob.objects.all(), query, route=route, order=("-id",), shape=shape)


def report_job_of(job_id: UUID) -> ReportJob:
    """One query, in the scope in force. Raises Missing."""
    found = ReportJob.objects.filter(pk=job_id).first()
    if found is None:
        raise Missing
    return found


NOT_SET_ASIDE = """ AND NOT EXISTS (SELECT 1 FROM ledger_quarantine AS aside
  WHERE aside.book_id = entry.book_id AND entry.id IN (aside.entry_id, aside.cure_id))"""
"""Neither what was quarantined nor what cured it."""
MOST_NAMED = 100


def set_aside(*, book_id: UUID) -> tuple[SetAside, ...]:
    """What is quarantined in a book, latest first, at most MOST_NAMED. One query."""
    with tenant_scope(book_id):
        rows = Quarantined.objects.order_by("-quarantined_at", "-id").values_list("kind", "subject", "cure_id")
        return tuple(SetAside(kind=kind, subject=subject, cure_id=cure) for kind, subject, cure in rows[:MOST_NAMED])


_POSTED = """SELECT account_id, sum(debits) AS debits, sum(credits) AS credits FROM (
  SELECT account_id, debit_minor AS debits, credit_minor AS credits FROM ledger_day_turnover
  WHERE book_id = %s AND sealed_to <= %s AND day < %s {account}
  UNION ALL SELECT line.account_id, {sides} FROM ledger_entry AS entry {lines}
  WHERE entry.book_id = %s AND entry.effective_at >= %s AND entry.effective_at {compared} %s {account}
  UNION ALL SELECT line.account_id, {sides} FROM ledger_seal AS seal
  JOIN ledger_entry AS entry ON entry.id = seal.entry_id {lines}
  WHERE seal.book_id = %s AND seal.seq > %s AND entry.effective_at < %s {account}
  UNION ALL SELECT line.account_id, {sides} FROM ledger_unsealed AS unsealed
  JOIN ledger_entry AS entry ON entry.id = unsealed.entry_id {lines}
  WHERE unsealed.book_id = %s AND entry.effective_at < %s {account}
) AS posted GROUP BY account_id"""
_POSTED_BY = {
    "sides": "CASE line.side WHEN 1 THEN line.amount_minor ELSE 0 END, "
    "CASE line.side WHEN -1 THEN line.amount_minor ELSE 0 END",
    "lines": "JOIN ledger_line AS line ON line.entry_id = entry.id",
}


def sums_until(
    *, book_id: UUID, until: datetime | None, with_it: bool = False, account_id: UUID | None = None
) -> tuple[str, list[Any]]:
    """A statement of ours and its values: account_id, debits and credits of all that is effective before `until`, or
    at it too. One query, for where the last checkpoint ends; in the statement's snapshot the sums are exact.

    Three parts: whole days from the checkpoints, lines of the last day, and of earlier days what no checkpoint counts:
    entries with a later number or none. Which those are is said by a number that was read before, so that a checkpoint
    that is made in between is counted as its lines."""
    # Whatever is posted lies between these; an instant beyond a calendar's end has no day.
    until = LATEST if until is None else min(max(until, EARLIEST), LATEST)
    midnight = datetime.combine(until.astimezone(UTC).date(), time(), tzinfo=UTC)
    with tenant_scope(book_id):
        counted = Checkpoint.objects.aggregate(last=Max("sealed_to"))["last"] or 0
    book, day, stored = (
        stored_uuid(book_id),
        connection.ops.adapt_datefield_value(midnight.date()),
        stored_time(midnight),
    )
    account, of_account = ("AND account_id = %s", [stored_uuid(account_id)]) if account_id is not None else ("", [])
    values = [book, counted, day, *of_account, book, stored, stored_time(until), *of_account]
    values += [book, counted, stored, *of_account, book, stored, *of_account]
    return _POSTED.format(account=account, compared="<=" if with_it else "<", **_POSTED_BY), values


def trial_balance(
    *,
    book_id: UUID,
    effective_to: datetime | None = None,
    recorded_to: datetime | None = None,
    without_quarantined: bool = False,
) -> TrialBalance:
    """Sums of every account that was ever posted to: now from the cached balances, as of an effective instant from
    checkpoints, else from the lines up to and with the instants; for an instant of recording that is what was known then.
    Three queries, four with checkpoints."""
    book = stored_uuid(book_id)
    if effective_to is None and recorded_to is None and not without_quarantined:
        rows = fetch_rows(_FROM_BALANCES, [book])
    elif recorded_to is None and not without_quarantined:
        sums, values = sums_until(book_id=book_id, until=effective_to, with_it=True)
        rows = fetch_rows(_FROM_SUMS.format(sums=sums), [*values, book])
    else:
        bounds, values = NOT_SET_ASIDE if without_quarantined else "", [book]
        for column, instant in (("effective_at", effective_to), ("recorded_at", recorded_to)):
            if instant is not None:
                bounds += f" AND entry.{column} <= %s"
                values.append(stored_time(instant))
        rows = fetch_rows(_FROM_LINES.format(bounds=bounds), [*values, book])
    with tenant_scope(book_id):
        sealed_to = Seal.objects.aggregate(last=Max("seq"))["last"] or 0
    told = tuple(_trial_row(row) for row in rows if row[6] or row[7])
    return TrialBalance(
        effective_to=effective_to,
        recorded_to=recorded_to,
        sealed_to=sealed_to,
        quarantined=set_aside(book_id=book_id),
        rows=told,
        totals=tuple(_totals(told)),
    )


def _trial_row(row: Sequence[Any]) -> TrialRow:
    account_id, code, name, kind, normal, currency, debited, credited = row
    # PostgreSQL sums bigints as numeric.
    debit_sum, credit_sum = int(debited), int(credited)
    return TrialRow(
        account_id=read_uuid(account_id),
        code=code,
        name=name,
        type=kind,
        debits=Money(debit_sum, currency),
        credits=Money(credit_sum, currency),
        balance=Money((debit_sum - credit_sum) * normal, currency),
    )


def _totals(rows: Sequence[TrialRow]) -> list[CurrencyTotal]:
    sums: dict[str, list[int]] = {}
    for row in rows:
        both = sums.setdefault(row.debits.currency, [0, 0])
        both[0] += row.debits.minor
        both[1] += row.credits.minor
    return [
        CurrencyTotal(debits=Money(both[0], currency), credits=Money(both[1], currency))
        for currency, both in sorted(sums.items())
    ]
