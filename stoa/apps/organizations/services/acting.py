"""The ground every change stands on: the organization's lock, and what the actor may do under it.

Lock order everywhere: the organization's row, then memberships, then invites.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from stoa.apps.organizations.domain import may_give
from stoa.apps.organizations.errors import BeyondOwnRights, LastAdmin
from stoa.apps.organizations.models import Membership, MembershipState, Organization, OrganizationStatus, Role
from stoa.kit.errors import Denied, Missing
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.db.transactions import transaction
from stoa.platform.http.access import OrgSuspended
from stoa.runtime.pause_points import pause_point


@dataclass(frozen=True, slots=True)
class Acting:
    """An organization under its lock, and the member who changes something in it."""

    organization: Organization
    member: Membership

    def require_may_give(self, permissions: Collection[str]) -> None:
        """Raises BeyondOwnRights."""
        if not may_give(self.member.may(), permissions):
            raise BeyondOwnRights


@contextmanager
def acting(*, org_id: UUID, user_id: UUID, permission: str = "") -> Iterator[Acting]:
    """Open the transaction, the tenant scope and the organization's lock, and ask once more whether the actor may: a
    role that was changed since the request began counts here.

    Raises Missing, OrgSuspended, Denied."""
    pause_point("organizations.authorised")
    with transaction(), tenant_scope(org_id):
        organization = locked_organization(org_id=org_id)
        if organization.status == OrganizationStatus.SUSPENDED:
            raise OrgSuspended
        member = active_member(user_id=user_id)
        if member is None:
            raise Denied
        if permission and permission not in member.may() and not pause_point("organizations.ask_again"):
            raise Denied
        yield Acting(organization, member)


def locked_organization(*, org_id: UUID) -> Organization:
    """FOR NO KEY UPDATE: whoever inserts a row that points here does not wait. Raises Missing for a deleted one."""
    found = locked_unless_deleted(org_id=org_id)
    if found is None:
        raise Missing
    return found


def locked_unless_deleted(*, org_id: UUID) -> Organization | None:
    rows = Organization.objects.exclude(status=OrganizationStatus.DELETED)
    if not pause_point("organizations.lock_organization"):
        rows = rows.select_for_update(no_key=True)
    found = rows.filter(pk=org_id).first()
    pause_point("organizations.locked")
    return found


def active_member(*, user_id: UUID) -> Membership | None:
    return Membership.objects.select_related("role").filter(user_id=user_id, state=MembershipState.ACTIVE).first()


def member_of(*, member_id: UUID) -> Membership:
    """Raises Missing for who is none of this organization, or no longer."""
    rows = Membership.objects.select_related("role").exclude(state=MembershipState.ENDED)
    found = rows.filter(pk=member_id).first()
    if found is None:
        raise Missing
    return found


def role_of(*, role_id: UUID) -> Role:
    """One that ships or one of this organization's. Raises Missing."""
    found = Role.objects.filter(pk=role_id).first()
    if found is None:
        raise Missing
    return found


def role_named(*, name: str) -> Role | None:
    """An organization's own role cannot have the name of one that ships, so there is at most one."""
    return Role.objects.filter(name=name).first()


def require_another_admin(*, member: Membership) -> None:
    """Before an active ORG_ADMIN stops being one. Call under the organization's lock. Raises LastAdmin."""
    if member.state != MembershipState.ACTIVE or not member.role.is_admin:
        return
    if not has_another_admin(member=member):
        raise LastAdmin
    pause_point("organizations.another_admin")


def has_another_admin(*, member: Membership) -> bool:
    """Active here, with every right of the role, and neither disabled as a person nor about to be erased."""
    others = Membership.objects.filter(role_id=member.role_id, state=MembershipState.ACTIVE, denied=[])
    others = others.exclude(pk=member.pk)
    return others.filter(user__is_active=True, user__erase_at=None).exists()
