"""What is owed to the book, and what it owes, by age: from the lines of its receivable and payable accounts alone."""

# ruff: noqa: S608 - every statement is written here; values are parameters

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from stoa.apps.ledger.contracts import AgedReport, AgedRow, Span
from stoa.apps.ledger.domain import CHART, aged, bucket_names
from stoa.apps.ledger.queries import set_aside
from stoa.apps.ledger.services.reporting import bounds_of, sealed_to
from stoa.kit.clock import utc_now
from stoa.kit.money import Money
from stoa.platform.db.rows import fetch_rows
from stoa.platform.outbox.values import read_time, stored_uuid

RECEIVABLE, PAYABLE = "receivable", "payable"
DAYS = (30, 60, 90)


def aged_report(
    *,
    book_id: UUID,
    role: str,
    until: datetime | None = None,
    recorded_to: datetime | None = None,
    days: Sequence[int] = DAYS,
    without_quarantined: bool = False,
) -> AgedReport:
    """By reference and currency, up to but without `until` (now, unless given). Three queries.

    `role` is RECEIVABLE or PAYABLE; `days` rise. The rows add up to the balance of the accounts of that role."""
    instant = until or utc_now()
    span = Span(until=instant, recorded_to=recorded_to, without_quarantined=without_quarantined)
    bounds, values = bounds_of(span=span)
    rows = fetch_rows(
        f"""SELECT entry.reference_type, entry.reference_id, line.currency, entry.effective_at,
          line.side * line.amount_minor
        FROM ledger_line AS line JOIN ledger_entry AS entry ON entry.id = line.entry_id
        JOIN ledger_account AS account ON account.id = line.account_id
        WHERE account.book_id = %s AND account.role = %s {bounds}
        ORDER BY entry.effective_at, entry.id, line.id""",
        [stored_uuid(book_id), role, *values],
    )
    moved: dict[tuple[str, str, str], list[tuple[datetime, int]]] = defaultdict(list)
    normal = CHART[role].normal
    for kind, number, currency, at, signed in rows:
        moved[kind, number, currency].append((read_time(at), signed * normal))
    told = []
    totals: dict[str, int] = defaultdict(int)
    for (kind, number, currency), movements in sorted(moved.items()):
        buckets = aged(movements, instant, days)
        if any(buckets):
            amounts = tuple(Money(minor, currency) for minor in buckets)
            total = Money(sum(buckets), currency)
            told.append(AgedRow(reference_type=kind, reference_id=number, amounts=amounts, total=total))
            totals[currency] += total.minor
    return AgedReport(
        until=instant,
        recorded_to=recorded_to,
        sealed_to=sealed_to(book_id=book_id),
        quarantined=set_aside(book_id=book_id),
        buckets=bucket_names(days),
        rows=tuple(told),
        totals=tuple(Money(minor, currency) for currency, minor in sorted(totals.items())),
    )
