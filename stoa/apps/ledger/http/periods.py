"""Routes of periods."""

from uuid import UUID

from stoa.apps.ledger.contracts import PeriodChecks, PeriodView
from stoa.apps.ledger.errors import PeriodNotReady, PeriodOverlaps
from stoa.apps.ledger.http.inputs import PeriodCloseInput, PeriodInput, ReasonInput
from stoa.apps.ledger.queries import period_page
from stoa.apps.ledger.services import periods
from stoa.apps.ledger.services.books import books_of_organization
from stoa.kit.errors import Missing
from stoa.platform.http.access import org
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.pages import Page, PageQuery
from stoa.platform.http.views import Call

routes = Routes("ledger")
_PERIODS = "ledger/periods"
_PERIOD = f"{_PERIODS}/<uuid:period_id>"


@routes.get(_PERIODS, access=org("periods", "read"), query=PageQuery, answer=PeriodView, listed="keyset")
def list_periods(call: Call[None, PageQuery]) -> Page:
    """List periods, latest first."""
    return period_page(call.query, route=call.route)


@routes.post(
    _PERIODS,
    access=org("periods", "close"),
    body=PeriodInput,
    answer=PeriodView,
    status=201,
    raises=(PeriodOverlaps,),
)
def add_period(call: Call[PeriodInput, None]) -> PeriodView:
    """Name a span of time that can be closed."""
    books_of_organization(org_id=call.org_id)
    body = call.body
    return periods.add_period(book_id=call.org_id, name=body.name, starts_at=body.starts_at, ends_at=body.ends_at)


@routes.get(f"{_PERIOD}/checks", access=org("periods", "read"), answer=PeriodChecks, raises=(Missing,))
def check_period(call: Call[None, None], period_id: UUID) -> PeriodChecks:
    """Show what to look at before a period is closed."""
    return periods.period_checks(book_id=call.org_id, period_id=period_id)


@routes.post(
    f"{_PERIOD}/close",
    access=org("periods", "close"),
    body=PeriodCloseInput,
    answer=PeriodView,
    raises=(Missing, PeriodNotReady),
)
def close_period(call: Call[PeriodCloseInput, None], period_id: UUID) -> PeriodView:
    """Close a period: nothing takes place in it any more."""
    return periods.close_period(book_id=call.org_id, period_id=period_id, reason=call.body.reason)


@routes.post(
    f"{_PERIOD}/reopen", access=org("periods", "close"), body=ReasonInput, answer=PeriodView, raises=(Missing,)
)
def reopen_period(call: Call[ReasonInput, None], period_id: UUID) -> PeriodView:
    """Open a closed period again; the reason goes into the audit trail."""
    return periods.reopen_period(book_id=call.org_id, period_id=period_id, reason=call.body.reason)
