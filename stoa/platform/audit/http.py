"""The trail for staff."""

from pydantic import Field

from stoa.platform.audit.contracts import AuditView
from stoa.platform.audit.queries import Filters, audit_page
from stoa.platform.http.access import staff
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.inputs import Moment
from stoa.platform.http.pages import Page, PageQuery
from stoa.platform.http.views import Call

routes = Routes("audit")


class AuditQuery(PageQuery):
    actor: str | None = Field(None, max_length=64, description="Id of who acted.")
    action: str | None = Field(None, max_length=100, description="Such as accounts.signed_in.")
    object: str | None = Field(None, max_length=129, description="`type`, or `type:id`.")
    since: Moment | None = Field(None, alias="from", description="At this time or after.")
    until: Moment | None = Field(None, alias="to", description="Before this time.")


@routes.get("audit", access=staff("audit", "read"), query=AuditQuery, answer=AuditView, listed="keyset")
def list_acts(call: Call[None, AuditQuery]) -> Page:
    """List acts on the audit trail, newest first."""
    query = call.query
    wanted = Filters(query.actor, query.action, query.object, query.since, query.until)
    return audit_page(query, wanted, route=call.route)
