"""Routes of business events."""

from pydantic import Field

from stoa.apps.ledger.contracts import EntryView, TemplateList
from stoa.apps.ledger.errors import KeyReused, PeriodLocked
from stoa.apps.ledger.http.inputs import Currency, Decimal
from stoa.apps.ledger.services.books import books_of_organization
from stoa.apps.ledger.services.templates import post_from_template, template_views
from stoa.kit.errors import Missing
from stoa.platform.http.access import org
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.inputs import Input, Moment
from stoa.platform.http.views import Call

routes = Routes("ledger")
_TEMPLATES = "ledger/templates"


class EventInput(Input):
    """`amounts` by the names that the template asks for."""

    currency: Currency
    amounts: dict[str, Decimal] = Field(max_length=10)
    effective_at: Moment | None = Field(None, description="When it took place; now, unless given.")
    description: str = Field("", max_length=500)
    reference_id: str = Field("", max_length=64, description="Number of the receipt, the bill, ...")


@routes.get(_TEMPLATES, access=org("journal", "read"), answer=TemplateList)
def list_templates(call: Call[None, None]) -> TemplateList:
    """List the business events that can be posted by name."""
    return TemplateList(templates=tuple(template_views()))


@routes.post(
    f"{_TEMPLATES}/<slug:template>/entries",
    access=org("journal", "post"),
    body=EventInput,
    answer=EntryView,
    status=201,
    raises=(Missing, PeriodLocked, KeyReused),
    idempotency="required",
)
def post_event(call: Call[EventInput, None], template: str) -> EntryView:
    """Post a business event: the template knows the accounts."""
    books_of_organization(org_id=call.org_id)
    body = call.body
    return post_from_template(
        book_id=call.org_id,
        name=template,
        currency=body.currency,
        amounts=body.amounts,
        key=call.idempotency_key,
        effective_at=body.effective_at,
        description=body.description,
        reference_id=body.reference_id,
    )
