"""The end of a fiscal year: revenue and expenses are brought to zero, and what is left goes to retained earnings."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from stoa.apps.ledger.contracts import AccountType, Draft, Line, Posted, Side, Span
from stoa.apps.ledger.domain import YEAR_CLOSE
from stoa.apps.ledger.services.books import system_account
from stoa.apps.ledger.services.posting import post_entry
from stoa.apps.ledger.services.reporting import sums_of_accounts
from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import transaction
from stoa.runtime.pause_points import pause_point

_INSTANT = timedelta(microseconds=1)


def close_year(*, book_id: UUID, ends_at: datetime) -> list[Posted]:
    """One entry a currency, effective in the last instant before `ends_at`; the same year closes once.

    Holds the book alone while it sums, so that no posting slips between the sums and the entry. Close its periods
    afterwards. Raises PeriodLocked, AccountClosed, ControlAccount. Publishes EntryPosted."""
    with transaction():
        _lock_alone(book_id)
        pause_point("ledger.year_locked")
        posted, lines_of_currencies = [], _closing_lines(book_id, ends_at)
        pause_point("ledger.year_summed")
        for currency, lines in lines_of_currencies.items():
            draft = Draft(
                book_id=book_id,
                kind=YEAR_CLOSE,
                key=f"{YEAR_CLOSE}:{ends_at.isoformat()}:{currency}",
                effective_at=ends_at - _INSTANT,
                lines=lines,
                description="Year closed",
            )
            posted.append(post_entry(draft=draft))
        if posted:
            after = {"ends_at": ends_at.isoformat(), "entries": [str(each.entry_id) for each in posted]}
            record(
                action="ledger.year_closed", object_type="ledger_book", object_id=book_id, org_id=book_id, after=after
            )
        return posted


def _closing_lines(book_id: UUID, ends_at: datetime) -> dict[str, tuple[Line, ...]]:
    found: dict[str, list[Line]] = {}
    for each in sums_of_accounts(book_id=book_id, span=Span(until=ends_at)):
        if each.type in {AccountType.REVENUE, AccountType.EXPENSE} and each.signed:
            side = Side.CREDIT if each.signed > 0 else Side.DEBIT
            found.setdefault(each.currency, []).append(Line(each.account_id, side, abs(each.signed), each.currency))
    for currency, lines in found.items():
        left = sum(line.side * line.amount_minor for line in lines)
        if left:
            retained = system_account(book_id=book_id, role="retained_earnings", currency=currency)
            lines.append(Line(retained, Side.CREDIT if left > 0 else Side.DEBIT, abs(left), currency))
    return {currency: tuple(lines) for currency, lines in found.items()}


def _lock_alone(book_id: UUID) -> None:
    if connection.vendor == "postgresql" and not pause_point("ledger.lock_year"):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 6021))", [str(book_id)])
