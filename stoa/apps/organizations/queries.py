"""Reads of organizations. What a caller may is asked before, by the route's access."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from stoa.apps.accounts.public import CallerJoin, caller_of_token, caller_with, email_of, people_named
from stoa.apps.organizations.contracts import (
    EffectivePermissions,
    FactWords,
    InviteView,
    MemberView,
    OrganizationView,
    OwnInvite,
    OwnOrganization,
    RoleView,
)
from stoa.apps.organizations.domain import effective_permissions
from stoa.apps.organizations.models import (
    Invite,
    InviteState,
    Membership,
    MembershipState,
    Organization,
    OrganizationStatus,
    Role,
)
from stoa.kit.clock import utc_now
from stoa.kit.errors import Missing
from stoa.kit.ids import parse_id
from stoa.platform.db.tenant import across_tenants
from stoa.platform.http.contracts import Caller, OrgAsked, Standing
from stoa.platform.http.pages import Page, PageQuery, keyset_page
from stoa.platform.realtime.contracts import Hearing

_MOST_NAMED = 20
"""Of the organizations that a caller is asked to choose from."""

_OF_MEMBER = ("organization_id", "user_id", "role_id", "state", "allowed", "denied", "joined_at")

_COLUMNS = "org.id, org.name, org.status, role.name, role.permissions, member.allowed, member.denied"
_JOINS = """
LEFT JOIN organizations_membership AS member ON member.user_id = person.id AND member.state = 'active' {named}
LEFT JOIN organizations_organization AS org ON org.id = member.organization_id AND org.status <> 'deleted'
LEFT JOIN organizations_role AS role ON role.id = member.role_id
"""
_NAMED = CallerJoin(columns=_COLUMNS, joins=_JOINS.format(named="AND member.organization_id = %s"), rows=1)
_ANY = CallerJoin(columns=_COLUMNS, joins=_JOINS.format(named=""), rows=_MOST_NAMED)


def caller_of_request(access_token: str, asked: OrgAsked | None) -> Caller:
    """The authenticator port. One query joins session, person, membership, organization and role; nothing is cached, so
    whoever was removed or got another role is that on the next request. Raises Unauthenticated."""
    if asked is None:
        return caller_of_token(access_token)
    org_id = parse_id(asked.named) if asked.named else None
    if asked.named and org_id is None:
        return caller_of_token(access_token)  # names no organization: no standing
    if org_id is None:
        caller, rows = caller_with(access_token, _ANY, ())
    else:
        as_id = Organization._meta.get_field("id")
        caller, rows = caller_with(access_token, _NAMED, (as_id.get_db_prep_value(org_id, connection),))
    standings = tuple(_standing(row) for row in rows if row[0] is not None)
    return replace(caller, standings=standings)


def _standing(row: tuple[Any, ...]) -> Standing:
    org_id, name, status, role, permissions, allowed, denied = row
    return Standing(
        org_id=org_id if isinstance(org_id, UUID) else UUID(org_id),
        org_name=name,
        suspended=status == OrganizationStatus.SUSPENDED,
        role=role,
        permissions=effective_permissions(_words(permissions), allowed=_words(allowed), denied=_words(denied)),
    )


def _words(stored: Any) -> list[str]:
    """JSON as the driver gives it."""
    words: list[str] = orjson.loads(stored) if isinstance(stored, str | bytes) else stored
    return words


def organization_view_of(organization: Organization) -> OrganizationView:
    return OrganizationView(
        id=organization.pk,
        name=organization.name,
        country=organization.country,
        base_currency=organization.base_currency,
        timezone=organization.timezone,
        status=organization.status,
        seats=organization.seats,
        email_domains=tuple(organization.email_domains),
        created_at=organization.created_at,
    )


def organization_of(org_id: UUID) -> Organization:
    """One query. Raises Missing."""
    found = Organization.objects.exclude(status=OrganizationStatus.DELETED).filter(pk=org_id).first()
    if found is None:
        raise Missing
    return found


def base_currency_of(org_id: UUID) -> str:
    """ISO 4217. One query. Raises Missing."""
    return organization_of(org_id).base_currency


def own_organizations_page(user_id: UUID, query: PageQuery, *, route: str) -> Page:
    """Where the person is an active member, latest joined first. One query."""
    with across_tenants("a person's own memberships"):
        rows = Membership.objects.select_related("organization", "role").filter(
            user_id=user_id, state=MembershipState.ACTIVE
        )
        own = rows.exclude(organization__status=OrganizationStatus.DELETED)

        def shape(row: Membership) -> OwnOrganization:
            return OwnOrganization(
                id=row.organization_id,
                name=row.organization.name,
                status=row.organization.status,
                role=row.role.name,
                member_id=row.pk,
                joined_at=row.joined_at,
            )

        return keyset_page(own, query, route=route, order=("-joined_at", "-id"), shape=shape)


def member_page(query: PageQuery, *, route: str) -> Page:
    """Members who have not left, latest joined first, inside the tenant scope. One query."""
    rows = Membership.objects.select_related("role", "user").exclude(state=MembershipState.ENDED)
    few = rows.only(*_OF_MEMBER, "role__name", "user__handle", "user__name")

    def shape(row: Membership) -> MemberView:
        return _named(_member_without_name(row), row.user.handle, row.user.name)

    return keyset_page(few, query, route=route, order=("-joined_at", "-id"), shape=shape)


def member_view_of(member: Membership) -> MemberView:
    """One query, for the name."""
    view = _member_without_name(member)
    person = people_named([member.user_id])[member.user_id]
    return _named(view, person.handle, person.name)


def _member_without_name(member: Membership) -> MemberView:
    return MemberView(
        id=member.pk,
        user_id=member.user_id,
        handle="",
        name="",
        role=member.role.name,
        state=member.state,
        allow=tuple(member.allowed),
        deny=tuple(member.denied),
        joined_at=member.joined_at,
    )


def _named(view: MemberView, handle: str, name: str) -> MemberView:
    return replace(view, handle=handle, name=name)


def effective_of(user_id: UUID) -> EffectivePermissions:
    """Of the caller's own membership, inside the tenant scope. One query. Raises Missing."""
    member = Membership.objects.select_related("role").filter(user_id=user_id, state=MembershipState.ACTIVE).first()
    if member is None:
        raise Missing
    return EffectivePermissions(member_id=member.pk, role=member.role.name, permissions=tuple(sorted(member.may())))


def role_page(query: PageQuery, *, route: str) -> Page:
    """Those that ship and the organization's own, by name. One query."""
    return keyset_page(Role.objects.all(), query, route=route, order=("name", "id"), shape=role_view_of)


def role_view_of(role: Role) -> RoleView:
    return RoleView(id=role.pk, name=role.name, permissions=tuple(role.permissions), system=role.is_system)


def invite_page(query: PageQuery, *, route: str) -> Page:
    """Newest first, inside the tenant scope. One query."""
    rows = Invite.objects.select_related("role")
    return keyset_page(rows, query, route=route, order=("-created_at", "-id"), shape=invite_view_of)


def invite_view_of(invite: Invite) -> InviteView:
    return InviteView(
        id=invite.pk,
        email=invite.email,
        role=invite.role.name,
        state=invite.state,
        invited_by=invite.invited_by,
        created_at=invite.created_at,
        expires_at=invite.expires_at,
    )


def own_invite_page(user_id: UUID, query: PageQuery, *, route: str) -> Page:
    """Open invites to the caller's e-mail, newest first. Two queries."""
    email = email_of(user_id)
    with across_tenants("invites to a person's own e-mail"):
        rows = Invite.objects.select_related("organization", "role").filter(
            email=email, state=InviteState.OPEN, expires_at__gt=utc_now()
        )

        def shape(row: Invite) -> OwnInvite:
            return OwnInvite(
                id=row.pk,
                organization_id=row.organization_id,
                organization=row.organization.name,
                role=row.role.name,
                expires_at=row.expires_at,
            )

        return keyset_page(rows, query, route=route, order=("-created_at", "-id"), shape=shape)


def members_among(asked: Sequence[Hearing]) -> frozenset[Hearing]:
    """realtime's ChannelAuthoriser of `org:<id>`: active members of an organization that was not deleted. One query."""
    with across_tenants("who may hear an organization's channel"):
        rows = Membership.objects.exclude(organization__status=OrganizationStatus.DELETED).filter(
            state=MembershipState.ACTIVE,
            user_id__in={one.user_id for one in asked},
            organization_id__in={one.of for one in asked},
        )
        members = set(rows.values_list("user_id", "organization_id"))
    return frozenset(one for one in asked if (one.user_id, one.of) in members)


def everybody_of(org_id: UUID) -> list[UUID]:
    """Who is or ever was a member. One query."""
    with across_tenants("whom a deleted organization's channel is taken from"):
        return list(Membership.objects.filter(organization_id=org_id).values_list("user_id", flat=True))


def memberships_of(user_id: UUID) -> Mapping[str, Iterable[object]]:
    """accounts' ExportSource: where a person was and is a member. One query when it is read."""

    def rows() -> Iterator[object]:
        with across_tenants("a person's own memberships, for their archive"):
            own = list(Membership.objects.select_related("organization", "role").filter(user_id=user_id))
        for row in own:
            yield {
                "organization_id": row.organization_id,
                "organization": row.organization.name,
                "role": row.role.name,
                "state": row.state,
                "joined_at": row.joined_at,
            }

    return {"memberships": rows()}


def words_of_invite(invite_id: UUID) -> FactWords | None:
    """For those who tell the invitee; `user_id` is theirs if they have an account. None once it is not open."""
    with across_tenants("an invite named by its event"):
        row = Invite.objects.select_related("organization", "role").filter(pk=invite_id, state=InviteState.OPEN).first()
    if row is None:
        return None
    return FactWords(organization=row.organization.name, role=row.role.name, user_id=row.user_id)


def words_of_member(member_id: UUID) -> FactWords | None:
    """For those who tell a member what happened to their membership."""
    with across_tenants("a membership named by its event"):
        row = Membership.objects.select_related("organization", "role").filter(pk=member_id).first()
    if row is None:
        return None
    return FactWords(organization=row.organization.name, role=row.role.name, user_id=row.user_id)
