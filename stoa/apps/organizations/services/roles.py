"""Roles of an organization's own making."""

from collections.abc import Collection
from uuid import UUID

from django.db import IntegrityError

from stoa.apps.organizations.contracts import RoleView
from stoa.apps.organizations.domain import SYSTEM_ROLES, unknown_permissions
from stoa.apps.organizations.errors import RoleInUse, RoleNameTaken, SystemRole
from stoa.apps.organizations.models import Invite, InviteState, Membership, MembershipState, Role
from stoa.apps.organizations.queries import role_view_of
from stoa.apps.organizations.services.acting import Acting, acting, role_of
from stoa.kit.errors import Invalid
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record


def create_role(*, org_id: UUID, actor_id: UUID, name: str, permissions: Collection[str]) -> RoleView:
    """Locks the organization. Raises Denied, OrgSuspended, Invalid, BeyondOwnRights, RoleNameTaken."""
    _refuse_unknown(permissions)
    with acting(org_id=org_id, user_id=actor_id, permission="roles:manage") as ground:
        ground.require_may_give(permissions)
        role = Role(organization=ground.organization, name=name, permissions=sorted(set(permissions)))
        _store(role)
        _tell("organizations.role_created", ground, role, after={"name": name, "permissions": role.permissions})
    return role_view_of(role)


def edit_role(
    *, org_id: UUID, actor_id: UUID, role_id: UUID, name: str | None, permissions: Collection[str] | None
) -> RoleView:
    """Works for everybody who has the role on their next request. The actor must have all that it gave and will give.

    Locks the organization. Raises Missing, Denied, OrgSuspended, Invalid, SystemRole, BeyondOwnRights, RoleNameTaken."""
    _refuse_unknown(permissions or ())
    with acting(org_id=org_id, user_id=actor_id, permission="roles:manage") as ground:
        role = _own(role_id)
        before = {"name": role.name, "permissions": role.permissions}
        ground.require_may_give(role.permissions)
        role.name = role.name if name is None else name
        role.permissions = role.permissions if permissions is None else sorted(set(permissions))
        ground.require_may_give(role.permissions)
        _store(role)
        after = {"name": role.name, "permissions": role.permissions}
        _tell("organizations.role_changed", ground, role, before=before, after=after)
    return role_view_of(role)


def delete_role(*, org_id: UUID, actor_id: UUID, role_id: UUID) -> None:
    """Locks the organization, so that nobody is given the role meanwhile. Raises Missing, Denied, OrgSuspended,
    SystemRole, RoleInUse (also by somebody who left and would have it again)."""
    with acting(org_id=org_id, user_id=actor_id, permission="roles:manage") as ground:
        role = _own(role_id)
        # Of those who left only the row that says so remains, and takes the role along when they come back by invite.
        had = Membership.objects.filter(role=role)
        if had.exclude(state=MembershipState.ENDED).exists() or Invite.objects.filter(role=role).exclude(
            state__in=_ENDED
        ):
            raise RoleInUse
        viewer = Role.objects.get(organization=None, name="VIEWER")
        had.update(role=viewer)
        Invite.objects.filter(role=role).update(role=viewer)
        _tell("organizations.role_deleted", ground, role, before={"name": role.name})
        role.delete()


_ENDED = (InviteState.ACCEPTED, InviteState.DECLINED, InviteState.REVOKED, InviteState.EXPIRED)


def _own(role_id: UUID) -> Role:
    role = role_of(role_id=role_id)
    if role.is_system:
        raise SystemRole
    return role


def _store(role: Role) -> None:
    if role.name in SYSTEM_ROLES or Role.objects.filter(name=role.name).exclude(pk=role.pk).exists():
        raise RoleNameTaken
    try:
        role.save()
    except IntegrityError:
        raise RoleNameTaken from None


def _refuse_unknown(permissions: Collection[str]) -> None:
    if found := unknown_permissions(permissions):
        raise Invalid({"permissions": [f"unknown: {' '.join(found)}"]})


def _tell(
    action: str,
    ground: Acting,
    role: Role,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    record(
        action=action,
        object_type="role",
        object_id=role.pk,
        actor_id=ground.member.user_id,
        org_id=ground.organization.pk,
        before=before,
        after=after,
        severity=Severity.NOTICE,
    )
