"""Periods: spans of effective time that are closed, and opened again only with a reason in the trail."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError
from django.db.models import F, Q, Sum

from stoa.apps.ledger.contracts import Finding, PeriodChecks, PeriodView
from stoa.apps.ledger.errors import PeriodNotReady
from stoa.apps.ledger.events import PeriodClosed
from stoa.apps.ledger.models import (
    Account,
    Entry,
    Hold,
    HoldState,
    Line,
    Period,
    Quarantined,
    Unsealed,
)
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


def close_period(*, book_id: UUID, period_id: UUID, reason: str = "") -> PeriodView:
    """Nothing is posted with an effective time in it any more. Closed already: nothing happens.

    Locks the period, then the book alone: postings under way come first, later ones see it closed, and the checks see
    all that will ever be in it. Raises Missing, PeriodNotReady where a check blocks and no `reason` passes it over.
    Publishes PeriodClosed."""
    with tenant_scope(book_id), transaction():
        period = _locked(period_id)
        if not period.is_closed:
            _turn(period, is_closed=True)
            blocking = [finding for finding in _findings(period) if finding.blocks]
            if blocking and not reason:
                told = [{"kind": finding.kind, "told": finding.told, "count": finding.count} for finding in blocking]
                raise PeriodNotReady(details={"findings": told})
            _record("ledger.period_closed", period, reason=reason, passed_over=[finding.kind for finding in blocking])
            publish(PeriodClosed(book_id=book_id, period_id=period.pk))
            pause_point("ledger.period_closed")
        return period_view(period)


def period_checks(*, book_id: UUID, period_id: UUID) -> PeriodChecks:
    """What to look at before a period is closed. Six queries. Raises Missing."""
    with tenant_scope(book_id):
        period = Period.objects.filter(pk=period_id).first()
        if period is None:
            raise Missing
        return PeriodChecks(findings=tuple(_findings(period)))


def _findings(period: Period) -> list[Finding]:
    """Money that nobody has placed and records that are known to be wrong block: a closed period would keep them. The
    rest is told only: it may be right, and passes by itself."""
    inside = Q(effective_at__gte=period.starts_at, effective_at__lt=period.ends_at)
    suspense = Account.objects.filter(role="suspense").values_list("pk", flat=True)
    held = Line.objects.filter(account_id__in=suspense, entry__effective_at__lt=period.ends_at)
    unplaced = held.values("account_id").annotate(sum=Sum(F("side") * F("amount_minor"))).exclude(sum=0)
    entries = Entry.objects.filter(inside)
    aside = Quarantined.objects.filter(cure=None, entry_id__in=entries.values("pk"))
    unsealed = Unsealed.objects.filter(entry_id__in=entries.values("pk"))
    earlier = Period.objects.filter(is_closed=False, ends_at__lte=period.starts_at)
    pending = Hold.objects.filter(state=HoldState.PENDING)
    asked = (
        ("quarantine", "records of this period are set aside and have no cure", aside, True),
        ("suspense", "suspense accounts are not zero at the end of this period", unplaced, True),
        ("earlier_period", "earlier periods are open", earlier, False),
        ("unsealed", "entries of this period have no number yet", unsealed, False),
        ("holds", "holds are pending", pending, False),
    )
    return [
        Finding(kind=kind, told=told, count=count, blocks=blocks)
        for kind, told, rows, blocks in asked
        if (count := rows.count())
    ]


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


def _record(action: str, period: Period, *, reason: str, passed_over: Sequence[str] = ()) -> None:
    record(
        action=action,
        object_type="ledger_period",
        object_id=period.pk,
        org_id=period.book_id,
        after={
            "name": period.name,
            "is_closed": period.is_closed,
            "reason": reason,
            **({"passed_over": list(passed_over)} if passed_over else {}),
        },
        severity=Severity.WARNING if reason else Severity.NOTICE,
    )
