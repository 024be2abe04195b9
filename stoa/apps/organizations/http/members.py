"""Routes of members and their roles."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from stoa.apps.organizations.contracts import Done, MemberView, RoleView
from stoa.apps.organizations.domain import ROLE_NAME
from stoa.apps.organizations.errors import (
    BeyondOwnRights,
    LastAdmin,
    RoleInUse,
    RoleNameTaken,
    SeatsTaken,
    SystemRole,
    WrongState,
)
from stoa.apps.organizations.queries import member_page, role_page
from stoa.apps.organizations.services import members, roles
from stoa.kit.errors import Missing
from stoa.platform.http.access import org
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.inputs import Id, Input
from stoa.platform.http.pages import Page, PageQuery
from stoa.platform.http.views import Call

routes = Routes("organizations")
_MEMBERS = "organizations/<uuid:org_id>/members"
_ROLES = "organizations/<uuid:org_id>/roles"


def _role_name(value: str) -> str:
    if not ROLE_NAME.fullmatch(value):
        raise ValueError("3 to 40 of A-Z, 0-9 and _, a letter first")
    return value


Permission = Annotated[str, Field(pattern="^[a-z_]+:[a-z_]+$", max_length=60, examples=["members:read"])]
Permissions = Annotated[list[Permission], Field(max_length=200)]
RoleName = Annotated[
    str,
    AfterValidator(_role_name),
    Field(examples=["SHIFT_LEAD"], json_schema_extra={"pattern": f"^{ROLE_NAME.pattern}$"}),
]


class MemberInput(Input):
    """What is not given stays."""

    role_id: Id | None = None
    allow: Permissions | None = None
    deny: Permissions | None = None


class RoleInput(Input):
    name: RoleName
    permissions: Permissions


class RoleEditInput(Input):
    name: RoleName | None = None
    permissions: Permissions | None = None


@routes.get(_MEMBERS, access=org("members", "read"), query=PageQuery, answer=MemberView, listed="keyset")
def list_members(call: Call[None, PageQuery], org_id: UUID) -> Page:
    """List members, latest joined first."""
    return member_page(call.query, route=call.route)


@routes.patch(
    f"{_MEMBERS}/<uuid:member_id>",
    access=org("members", "update"),
    body=MemberInput,
    answer=MemberView,
    raises=(Missing, BeyondOwnRights, LastAdmin),
)
def change(call: Call[MemberInput, None], org_id: UUID, member_id: UUID) -> MemberView:
    """Give a member another role or other overrides."""
    body = call.body
    return members.change_member(
        org_id=org_id,
        actor_id=call.caller.user_id,
        member_id=member_id,
        role_id=body.role_id,
        allow=body.allow,
        deny=body.deny,
    )


@routes.delete(
    f"{_MEMBERS}/<uuid:member_id>",
    access=org("members", "remove"),
    answer=Done,
    raises=(Missing, BeyondOwnRights, LastAdmin),
)
def remove(call: Call[None, None], org_id: UUID, member_id: UUID) -> Done:
    """Remove a member."""
    members.remove_member(org_id=org_id, actor_id=call.caller.user_id, member_id=member_id)
    return Done()


@routes.post(
    f"{_MEMBERS}/<uuid:member_id>/deactivate",
    access=org("members", "update"),
    answer=MemberView,
    raises=(Missing, BeyondOwnRights, LastAdmin, WrongState),
)
def deactivate(call: Call[None, None], org_id: UUID, member_id: UUID) -> MemberView:
    """Pause a membership in this organization only."""
    return members.deactivate_member(org_id=org_id, actor_id=call.caller.user_id, member_id=member_id)


@routes.post(
    f"{_MEMBERS}/<uuid:member_id>/reactivate",
    access=org("members", "update"),
    answer=MemberView,
    raises=(Missing, BeyondOwnRights, SeatsTaken, WrongState),
)
def reactivate(call: Call[None, None], org_id: UUID, member_id: UUID) -> MemberView:
    """End the pause of a membership."""
    return members.reactivate_member(org_id=org_id, actor_id=call.caller.user_id, member_id=member_id)


@routes.post("organizations/<uuid:org_id>/leave", access=org("organization", "read"), answer=Done, raises=(LastAdmin,))
def leave(call: Call[None, None], org_id: UUID) -> Done:
    """Leave an organization."""
    members.leave(org_id=org_id, user_id=call.caller.user_id)
    return Done()


@routes.get(_ROLES, access=org("roles", "read"), query=PageQuery, answer=RoleView, listed="keyset")
def list_roles(call: Call[None, PageQuery], org_id: UUID) -> Page:
    """List the roles that ship and the organization's own."""
    return role_page(call.query, route=call.route)


@routes.post(
    _ROLES,
    access=org("roles", "manage"),
    body=RoleInput,
    answer=RoleView,
    status=201,
    raises=(BeyondOwnRights, RoleNameTaken),
)
def create_role(call: Call[RoleInput, None], org_id: UUID) -> RoleView:
    """Make a role of the organization's own."""
    return roles.create_role(
        org_id=org_id, actor_id=call.caller.user_id, name=call.body.name, permissions=call.body.permissions
    )


@routes.patch(
    f"{_ROLES}/<uuid:role_id>",
    access=org("roles", "manage"),
    body=RoleEditInput,
    answer=RoleView,
    raises=(Missing, BeyondOwnRights, RoleNameTaken, SystemRole),
)
def edit_role(call: Call[RoleEditInput, None], org_id: UUID, role_id: UUID) -> RoleView:
    """Change a role of the organization's own, for everybody who has it."""
    return roles.edit_role(
        org_id=org_id,
        actor_id=call.caller.user_id,
        role_id=role_id,
        name=call.body.name,
        permissions=call.body.permissions,
    )


@routes.delete(
    f"{_ROLES}/<uuid:role_id>",
    access=org("roles", "manage"),
    answer=Done,
    raises=(Missing, RoleInUse, SystemRole),
)
def delete_role(call: Call[None, None], org_id: UUID, role_id: UUID) -> Done:
    """Delete a role that nobody has."""
    roles.delete_role(org_id=org_id, actor_id=call.caller.user_id, role_id=role_id)
    return Done()
