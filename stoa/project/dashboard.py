"""The admin's first page: how the house stands, by a fixed number of queries that an index answers each.

Nobody sees a figure of what they may not view, and for them it is not asked either."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from stoa.apps.accounts.models import Session, User
from stoa.apps.accounts.services.lockout import locked_people
from stoa.apps.organizations.models import Organization, OrganizationStatus
from stoa.kit.clock import utc_now
from stoa.platform.audit.models import AuditRecord
from stoa.platform.outbox.models import DeliveryState, OutboxDelivery
from stoa.platform.outbox.status import lag_s, parked_count
from stoa.platform.sweeps.models import Sweep

MOST = 1000
"""Rows that a figure counts; beyond that it says "more than"."""
ACTS_SHOWN = 10
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Figure:
    """`address` is the list behind it; `bad`: somebody should look."""

    title: str
    value: str
    note: str
    address: str
    bad: bool = False


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK: at most ten queries."""
    figures = [figure for model, ask in _FIGURES if _may_view(request, model) for figure in ask()]
    acts = list(AuditRecord.objects.order_by("-at", "-id")[:ACTS_SHOWN]) if _may_view(request, AuditRecord) else []
    return {**context, "figures": figures, "acts": acts, "headings": ("When (UTC)", "Act", "By", "On", "Request")}


def _people() -> Iterator[Figure]:
    newest = User.objects.filter(created_at__gt=utc_now() - WEEK)
    yield Figure("New people", _up_to(newest), "in seven days", _list(User))
    locked = len(locked_people())
    yield Figure("Locked out", str(locked), "by wrong guesses, now", _list(User, locked="yes"), bad=locked > 0)


def _sessions() -> Iterator[Figure]:
    newest = Session.objects.filter(created_at__gt=utc_now() - timedelta(days=1))
    yield Figure("Sign-ins", _up_to(newest), "sessions of the last day", _list(Session))


def _organizations() -> Iterator[Figure]:
    newest = Organization.objects.filter(created_at__gt=utc_now() - WEEK)
    yield Figure("New organizations", _up_to(newest), "in seven days", _list(Organization))
    suspended = Organization.objects.filter(status=OrganizationStatus.SUSPENDED)
    yield Figure("Suspended", _up_to(suspended), "organizations", _list(Organization, status__exact="suspended"))


def _deliveries() -> Iterator[Figure]:
    pending, lag = OutboxDelivery.objects.filter(state=DeliveryState.PENDING), lag_s()
    waiting = f"oldest due for {lag:,.0f} s" if lag else "none is late"
    yield Figure("Outbox", _up_to(pending), waiting, _list(OutboxDelivery, state__exact="pending"), bad=lag > 60)
    parked = parked_count()
    yield Figure("Parked", f"{parked:,}", "deliveries", _list(OutboxDelivery, state__exact="parked"), bad=parked > 0)


def _sweeps() -> Iterator[Figure]:
    failing = Sweep.objects.filter(failures__gt=0).count()
    yield Figure("Failing sweeps", str(failing), "at their last run", _list(Sweep), bad=failing > 0)


_FIGURES: tuple[tuple[type[Model], Callable[[], Iterator[Figure]]], ...] = (
    (User, _people),
    (Session, _sessions),
    (Organization, _organizations),
    (OutboxDelivery, _deliveries),
    (Sweep, _sweeps),
)


def _up_to(rows: QuerySet[Any]) -> str:
    """Reads no more than MOST rows of an index, whatever the table holds."""
    count = rows.order_by()[: MOST + 1].count()
    return f"more than {MOST:,}" if count > MOST else f"{count:,}"


def _may_view(request: HttpRequest, model: type[Model]) -> bool:
    named = f"{model._meta.app_label}.{{}}_{model._meta.model_name}"
    return any(request.user.has_perm(named.format(word)) for word in ("view", "change"))


def _list(model: type[Model], **filters: str) -> str:
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{address}?{urlencode(filters)}" if filters else address
