"""Routes of organizations themselves."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from stoa.apps.organizations.contracts import Done, EffectivePermissions, OrganizationView, OwnOrganization
from stoa.apps.organizations.domain import is_country
from stoa.apps.organizations.errors import WrongState
from stoa.apps.organizations.queries import (
    effective_of,
    organization_of,
    organization_view_of,
    own_organizations_page,
)
from stoa.apps.organizations.services import organizations
from stoa.kit.errors import Invalid
from stoa.kit.money import EXPONENTS
from stoa.platform.http.access import SIGNED_IN, org, staff
from stoa.platform.http.endpoints import Answer, Routes
from stoa.platform.http.inputs import Input, Text, TimeZone
from stoa.platform.http.pages import Page, PageQuery
from stoa.platform.http.views import Call
from stoa.runtime.config.current import settings

routes = Routes("organizations")
_DOMAIN = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$"


def _country(value: str) -> str:
    allowed = settings().allowed_countries
    if not is_country(value) or (allowed and value not in allowed):
        raise ValueError("not a country that organizations may be in; ISO 3166, such as GE")
    return value


def _currency(value: str) -> str:
    allowed = settings().allowed_currencies
    if value not in EXPONENTS or (allowed and value not in allowed):
        raise ValueError("not a currency that organizations may choose; ISO 4217, such as GEL")
    return value


type Name = Annotated[Text, Field(max_length=120)]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$", examples=["GE"]), AfterValidator(_country)]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", examples=["USD"]), AfterValidator(_currency)]
Domain = Annotated[str, Field(max_length=253, pattern=_DOMAIN, examples=["example.org"])]


class CreateInput(Input):
    name: Name
    country: Country | None = None
    base_currency: Currency | None = None
    timezone: TimeZone | None = None


class EditInput(Input):
    """What is not given stays; nothing can be emptied but the list of domains, and the seats (no limit)."""

    name: Name | None = None
    country: Country | None = None
    base_currency: Currency | None = None
    timezone: TimeZone | None = None
    email_domains: Annotated[list[Domain], Field(max_length=50)] | None = None
    seats: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    def changes(self) -> dict[str, object]:
        """Raises Invalid for a null where something must stand."""
        given = self.model_dump(exclude_unset=True)
        if empty := [name for name, value in given.items() if value is None and name != "seats"]:
            raise Invalid({name: ["cannot be empty"] for name in empty})
        return given


@routes.post("organizations", access=SIGNED_IN, body=CreateInput, answer=OrganizationView, status=201)
def create(call: Call[CreateInput, None]) -> OrganizationView:
    """Create an organization and become its first ORG_ADMIN."""
    body = call.body
    return organizations.create_organization(
        owner_id=call.caller.user_id,
        name=body.name,
        country=body.country or "",
        base_currency=body.base_currency or "",
        timezone=body.timezone or "",
    )


@routes.get("organizations", access=SIGNED_IN, query=PageQuery, answer=OwnOrganization, listed="keyset")
def list_own(call: Call[None, PageQuery]) -> Page:
    """List the caller's organizations, latest joined first."""
    return own_organizations_page(call.caller.user_id, call.query, route=call.route)


@routes.get(
    "organizations/<uuid:org_id>/settings",
    access=org("organization", "read"),
    answer=OrganizationView,
    conditional="read",
)
@routes.get(
    "organizations/<uuid:org_id>", access=org("organization", "read"), answer=OrganizationView, conditional="read"
)
def show(call: Call[None, None], org_id: UUID) -> Answer:
    """Show an organization."""
    found = organization_of(org_id)
    return Answer(organization_view_of(found), etag=str(found.version))


@routes.patch(
    "organizations/<uuid:org_id>/settings",
    access=org("organization", "update"),
    body=EditInput,
    answer=OrganizationView,
    conditional="write",
)
@routes.patch(
    "organizations/<uuid:org_id>",
    access=org("organization", "update"),
    body=EditInput,
    answer=OrganizationView,
    conditional="write",
)
def edit(call: Call[EditInput, None], org_id: UUID) -> Answer:
    """Change an organization's name, country, base currency, time zone, e-mail domains or seats."""
    changed = organizations.edit_organization(
        org_id=org_id,
        actor_id=call.caller.user_id,
        changes=call.body.changes(),
        require_version=lambda version: call.require_match(str(version)),
    )
    return Answer(changed.organization, etag=str(changed.version))


@routes.delete("organizations/<uuid:org_id>", access=org("organization", "delete"), answer=Done)
def delete(call: Call[None, None], org_id: UUID) -> Done:
    """Close an organization for good."""
    organizations.delete_organization(org_id=org_id, actor_id=call.caller.user_id)
    return Done()


@routes.post(
    "organizations/<uuid:org_id>/suspend",
    access=staff("organizations", "suspend"),
    answer=OrganizationView,
    raises=(WrongState,),
)
def suspend(call: Call[None, None], org_id: UUID) -> OrganizationView:
    """Make an organization read-only."""
    return organizations.suspend_organization(org_id=org_id, actor_id=call.caller.user_id)


@routes.post(
    "organizations/<uuid:org_id>/reactivate",
    access=staff("organizations", "suspend"),
    answer=OrganizationView,
    raises=(WrongState,),
)
def reactivate(call: Call[None, None], org_id: UUID) -> OrganizationView:
    """End a suspension."""
    return organizations.reactivate_organization(org_id=org_id, actor_id=call.caller.user_id)


@routes.get(
    "organizations/<uuid:org_id>/permissions/effective",
    access=org("organization", "read"),
    answer=EffectivePermissions,
)
def effective(call: Call[None, None], org_id: UUID) -> EffectivePermissions:
    """Show what the caller may do in an organization."""
    return effective_of(call.caller.user_id)
