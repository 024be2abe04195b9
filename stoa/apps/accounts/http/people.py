"""Routes of other people."""

from uuid import UUID

from pydantic import Field

from stoa.apps.accounts.contracts import PersonSummary, PersonView
from stoa.apps.accounts.domain import folded
from stoa.apps.accounts.queries import people_page, person_view
from stoa.kit.errors import Invalid, Missing
from stoa.platform.http.access import SIGNED_IN
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.inputs import Text
from stoa.platform.http.pages import Page, PageQuery
from stoa.platform.http.views import Call

routes = Routes("accounts")


class PeopleQuery(PageQuery):
    q: Text = Field(max_length=64, description="The beginning of a handle or a name; never an e-mail.")


@routes.get("users", access=SIGNED_IN, query=PeopleQuery, answer=PersonSummary, listed="keyset")
def find_people(call: Call[None, PeopleQuery]) -> Page:
    """Find people by the beginning of their handle or name."""
    text = call.query.q.removeprefix("@")
    if not folded(text).strip():
        raise Invalid({"q": ["the beginning of a handle or a name is expected"]})
    return people_page(call.query, text, route=call.route)


@routes.get("users/<uuid:user_id>", access=SIGNED_IN, answer=PersonView, raises=(Missing,))
def show_person(call: Call[None, None], user_id: UUID) -> PersonView:
    """Show a person: to themselves and staff in full, to others what is public."""
    return person_view(call.caller, user_id)
