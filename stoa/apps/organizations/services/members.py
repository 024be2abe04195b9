"""What happens to a membership: another role, overrides, a pause, an end."""

from collections.abc import Collection
from uuid import UUID

from stoa.apps.accounts.errors import AccountCannotClose
from stoa.apps.organizations.contracts import MemberView
from stoa.apps.organizations.domain import effective_permissions, unknown_permissions
from stoa.apps.organizations.errors import WrongState
from stoa.apps.organizations.events import (
    MemberRoleChanged,
    MembershipEnded,
    MembershipPaused,
    MembershipResumed,
)
from stoa.apps.organizations.models import Membership, MembershipState
from stoa.apps.organizations.queries import member_view_of
from stoa.apps.organizations.services.acting import (
    Acting,
    acting,
    active_member,
    has_another_admin,
    locked_unless_deleted,
    member_of,
    require_another_admin,
    role_of,
)
from stoa.apps.organizations.services.seats import require_seat
from stoa.kit.errors import Invalid
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.tenant import across_tenants, tenant_scope
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.publishing import publish
from stoa.runtime.pause_points import pause_point


def change_member(
    *,
    org_id: UUID,
    actor_id: UUID,
    member_id: UUID,
    role_id: UUID | None = None,
    allow: Collection[str] | None = None,
    deny: Collection[str] | None = None,
) -> MemberView:
    """Give a member another role, other overrides, or both; None leaves a part. Works on their next request.

    The actor must have every right the member has before and after. Locks the organization.
    Raises Missing, Denied, OrgSuspended, Invalid, BeyondOwnRights, LastAdmin. Publishes MemberRoleChanged."""
    _refuse_unknown(allow=allow, deny=deny)
    with acting(org_id=org_id, user_id=actor_id, permission="members:update") as ground:
        member = member_of(member_id=member_id)
        ground.require_may_give(member.may())
        before = _said(member)
        role = member.role if role_id is None else role_of(role_id=role_id)
        allowed = member.allowed if allow is None else sorted(set(allow))
        denied = member.denied if deny is None else sorted(set(deny))
        ground.require_may_give(effective_permissions(role.permissions, allowed=allowed, denied=()))
        if denied or not role.is_admin:  # an ORG_ADMIN without all rights could not give them back
            require_another_admin(member=member)
        member.role, member.allowed, member.denied = role, allowed, denied
        member.changes += 1
        member.save(update_fields=["role", "allowed", "denied", "changes"])
        _record("organizations.member_changed", ground, member, before=before, after=_said(member))
        publish(MemberRoleChanged(org_id=org_id, member_id=member.pk, user_id=member.user_id, change=member.changes))
        pause_point("organizations.before_commit")
        return member_view_of(member)


def remove_member(*, org_id: UUID, actor_id: UUID, member_id: UUID) -> None:
    """End somebody's membership; they are out at once, and may be invited again. Locks the organization.

    Raises Missing, Denied, OrgSuspended, BeyondOwnRights, LastAdmin. Publishes MembershipEnded."""
    with acting(org_id=org_id, user_id=actor_id, permission="members:remove") as ground:
        member = member_of(member_id=member_id)
        ground.require_may_give(member.may())
        _end(ground, member, left=False)


def leave(*, org_id: UUID, user_id: UUID) -> None:
    """End one's own membership. Locks the organization. Raises Denied, OrgSuspended, LastAdmin. Publishes
    MembershipEnded."""
    with acting(org_id=org_id, user_id=user_id) as ground:
        _end(ground, ground.member, left=True)


def deactivate_member(*, org_id: UUID, actor_id: UUID, member_id: UUID) -> MemberView:
    """Pause a membership in this organization; the person's account and other memberships are not touched.

    Locks the organization. Raises Missing, Denied, OrgSuspended, BeyondOwnRights, LastAdmin, WrongState. Publishes
    MembershipPaused."""
    with acting(org_id=org_id, user_id=actor_id, permission="members:update") as ground:
        member = member_of(member_id=member_id)
        ground.require_may_give(member.may())
        require_another_admin(member=member)
        _turn(ground, member, MembershipState.ACTIVE, MembershipState.DEACTIVATED)
        publish(MembershipPaused(org_id=org_id, member_id=member.pk, user_id=member.user_id, change=member.changes))
        return member_view_of(member)


def reactivate_member(*, org_id: UUID, actor_id: UUID, member_id: UUID) -> MemberView:
    """Locks the organization. Raises Missing, Denied, OrgSuspended, BeyondOwnRights, SeatsTaken, WrongState. Publishes
    MembershipResumed."""
    with acting(org_id=org_id, user_id=actor_id, permission="members:update") as ground:
        member = member_of(member_id=member_id)
        ground.require_may_give(member.may())
        require_seat(organization=ground.organization)
        _turn(ground, member, MembershipState.DEACTIVATED, MembershipState.ACTIVE)
        publish(MembershipResumed(org_id=org_id, member_id=member.pk, user_id=member.user_id, change=member.changes))
        return member_view_of(member)


def refuse_to_lose_admin(*, user_id: UUID) -> None:
    """The veto on closing an account: inside its transaction, under the lock of each of the person's organizations in id
    order, so that no other admin leaves and nobody makes this one the last meanwhile.

    Raises AccountCannotClose with the organizations that would be left without an ORG_ADMIN."""
    left = []
    with across_tenants("the organizations of a person who closes their account"):
        own = Membership.objects.filter(user_id=user_id, state=MembershipState.ACTIVE).order_by("organization_id")
        org_ids = list(own.values_list("organization_id", flat=True))
    for org_id in org_ids:
        with tenant_scope(org_id):
            organization = locked_unless_deleted(org_id=org_id)
            member = active_member(user_id=user_id)  # read under the lock: their role may be another since
            if organization is None or member is None or not member.role.is_admin:
                continue
            if not has_another_admin(member=member):
                left.append({"id": str(organization.pk), "name": organization.name})
            else:
                pause_point("organizations.another_admin")
    pause_point("organizations.closing_asked")
    if left:
        raise AccountCannotClose(details={"reason": "last_admin", "organizations": left})


def forget_member(*, user_id: UUID) -> int:
    """End every membership of somebody erased, whatever they were; returns how many. Idempotent.

    Not vetoed: whoever closes an account has been asked before."""
    with transaction(), across_tenants("the memberships of a person who is erased"):
        rows = Membership.objects.filter(user_id=user_id).exclude(state=MembershipState.ENDED)
        return rows.update(state=MembershipState.ENDED, allowed=[], denied=[])


def _end(ground: Acting, member: Membership, *, left: bool) -> None:
    require_another_admin(member=member)
    member.state, member.allowed, member.denied = MembershipState.ENDED, [], []
    member.changes += 1
    member.save(update_fields=["state", "allowed", "denied", "changes"])
    _record("organizations.member_left" if left else "organizations.member_removed", ground, member)
    publish(
        MembershipEnded(
            org_id=ground.organization.pk,
            member_id=member.pk,
            user_id=member.user_id,
            change=member.changes,
            left=left,
        )
    )


def _turn(ground: Acting, member: Membership, wanted: MembershipState, becomes: MembershipState) -> None:
    if member.state != wanted:
        raise WrongState(details={"state": member.state})
    member.state = becomes
    member.changes += 1
    member.save(update_fields=["state", "changes"])
    _record(f"organizations.member_{becomes.value}", ground, member)


def _said(member: Membership) -> dict[str, object]:
    return {"role": member.role.name, "allow": member.allowed, "deny": member.denied}


def _record(
    action: str,
    ground: Acting,
    member: Membership,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    record(
        action=action,
        object_type="membership",
        object_id=member.pk,
        actor_id=ground.member.user_id,
        org_id=ground.organization.pk,
        before=before,
        after={"user_id": str(member.user_id), **(after or {})},
        severity=Severity.NOTICE,
    )


def _refuse_unknown(**words: Collection[str] | None) -> None:
    faults = {name: unknown_permissions(given or ()) for name, given in words.items()}
    if any(faults.values()):
        raise Invalid({name: [f"unknown: {' '.join(found)}"] for name, found in faults.items() if found})
