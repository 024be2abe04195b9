"""Routes of invites: making them, and answering them."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from stoa.apps.organizations.contracts import Done, InviteView, Joined, OwnInvite
from stoa.apps.organizations.errors import (
    AlreadyInvited,
    AlreadyMember,
    BeyondOwnRights,
    EmailDomainRefused,
    InviteNotOpen,
    InviteRefused,
    SeatsTaken,
)
from stoa.apps.organizations.queries import invite_page, own_invite_page
from stoa.apps.organizations.services import invites
from stoa.kit.errors import Missing
from stoa.platform.http.access import SIGNED_IN, OrgSuspended, org
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.inputs import CanonicalEmail, Id, Input
from stoa.platform.http.pages import Page, PageQuery
from stoa.platform.http.scopes import LimitScope
from stoa.platform.http.views import Call

routes = Routes("organizations")
_INVITES = "organizations/<uuid:org_id>/invites"
_ANSWER = LimitScope("invite_accept", "invite_accept_rate")


class InviteInput(Input):
    email: CanonicalEmail
    role_id: Id


class AnswerInput(Input):
    token: Annotated[str, Field(min_length=1, max_length=200)]


@routes.get(_INVITES, access=org("invites", "read"), query=PageQuery, answer=InviteView, listed="keyset")
def list_invites(call: Call[None, PageQuery], org_id: UUID) -> Page:
    """List invites, newest first."""
    return invite_page(call.query, route=call.route)


@routes.post(
    _INVITES,
    access=org("invites", "manage"),
    body=InviteInput,
    answer=InviteView,
    status=201,
    raises=(Missing, BeyondOwnRights, EmailDomainRefused, AlreadyMember, AlreadyInvited),
)
def invite(call: Call[InviteInput, None], org_id: UUID) -> InviteView:
    """Invite somebody by e-mail."""
    return invites.invite(org_id=org_id, actor_id=call.caller.user_id, email=call.body.email, role_id=call.body.role_id)


@routes.post(
    f"{_INVITES}/<uuid:invite_id>/resend",
    access=org("invites", "manage"),
    answer=InviteView,
    raises=(Missing, BeyondOwnRights, InviteNotOpen),
)
def resend(call: Call[None, None], org_id: UUID, invite_id: UUID) -> InviteView:
    """Send an open invite again."""
    return invites.resend_invite(org_id=org_id, actor_id=call.caller.user_id, invite_id=invite_id)


@routes.post(
    f"{_INVITES}/<uuid:invite_id>/revoke",
    access=org("invites", "manage"),
    answer=Done,
    raises=(Missing, InviteNotOpen),
)
def revoke(call: Call[None, None], org_id: UUID, invite_id: UUID) -> Done:
    """Withdraw an open invite."""
    invites.revoke_invite(org_id=org_id, actor_id=call.caller.user_id, invite_id=invite_id)
    return Done()


@routes.post(
    "organizations/invites/accept",
    access=SIGNED_IN,
    body=AnswerInput,
    answer=Joined,
    raises=(InviteRefused, OrgSuspended, AlreadyMember, EmailDomainRefused, SeatsTaken),
    limits=(_ANSWER,),
    idempotency="ignored",
)
def accept(call: Call[AnswerInput, None]) -> Joined:
    """Join an organization by the token of an invite to one's own e-mail."""
    return invites.accept_invite(token=call.body.token, user_id=call.caller.user_id)


@routes.post(
    "organizations/invites/decline",
    access=SIGNED_IN,
    body=AnswerInput,
    answer=Done,
    raises=(InviteRefused,),
    limits=(_ANSWER,),
    idempotency="ignored",
)
def decline(call: Call[AnswerInput, None]) -> Done:
    """Decline an invite."""
    invites.decline_invite(token=call.body.token, user_id=call.caller.user_id)
    return Done()


@routes.get("users/me/invites", access=SIGNED_IN, query=PageQuery, answer=OwnInvite, listed="keyset")
def list_own(call: Call[None, PageQuery]) -> Page:
    """List open invites to the caller's own e-mail."""
    return own_invite_page(call.caller.user_id, call.query, route=call.route)
