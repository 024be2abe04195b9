"""Periods: spans of effective time that are closed, and opened again only with a reason in the trail."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError

from stoa.apps.ledger.contracts import PeriodView
from stoa.apps.ledger.events import PeriodClosed
from stoa.apps.ledger.models import Period
from stoa.apps.ledger.queries import period_view
from stoa.apps.ledger.services.refusals import refusal_of
from stoa.kit.clock import utc_now
from stoa.kit.errors import Invalid, Missing
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.publishing import publish
from stoa.runtime.pause_points import pause_point


def add_period(*, book_id: UUID, name: str, starts_at: datetime, ends_at: datetime) -> PeriodView:
    """From `starts_at` up to but without `ends_at`. Raises Invalid, PeriodOverlaps."""
    if starts_at >= ends_at:
        raise Invalid({"ends_at": ["later than starts_at"]})
    with tenant_scope(book_id), transaction():
        period = Period(book_id=book_id, name=name, starts_at=starts_at, ends_at=ends_at)
        try:
            period.save(force_insert=True)
        except IntegrityError as error:
            raise refusal_of(error=error) from None
        _record("ledger.period_added", period, reason="")
        return period_view(period)


def close_period(*, book_id: UUID, period_id: UUID) -> PeriodView:
    """Nothing is posted with an effective time in it any more. Closed already: nothing happens.

    Locks the period, then the book alone: postings under way come first, later ones see it closed.
    Raises Missing. Publishes PeriodClosed."""
    with tenant_scope(book_id), transaction():
        period = _locked(period_id)
        if not period.is_closed:
            _turn(period, is_closed=True)
            _record("ledger.period_closed", period, reason="")
            publish(PeriodClosed(book_id=book_id, period_id=period.pk))
            pause_point("ledger.period_closed")
        return period_view(period)


def reopen_period(*, book_id: UUID, period_id: UUID, reason: str) -> PeriodView:
    """Raises Missing."""
    with tenant_scope(book_id), transaction():
        period = _locked(period_id)
        if period.is_closed:
            _turn(period, is_closed=False)
            _record("ledger.period_reopened", period, reason=reason)
        return period_view(period)


def _turn(period: Period, *, is_closed: bool) -> None:
    period.is_closed, period.version = is_closed, period.version + 1
    # PostgreSQL puts the time of its own clock here, under the lock of the book.
    period.closed_at = utc_now() if is_closed else None
    period.save(update_fields=["is_closed", "closed_at", "version"])


def _locked(period_id: UUID) -> Period:
    period = Period.objects.select_for_update(no_key=True).filter(pk=period_id).first()
    if period is None:
        raise Missing
    return period


def _record(action: str, period: Period, *, reason: str) -> None:
    record(
        action=action,
        object_type="ledger_period",
        object_id=period.pk,
        org_id=period.book_id,
        after={"name": period.name, "is_closed": period.is_closed, "reason": reason},
        severity=Severity.WARNING if reason else Severity.NOTICE,
    )
