"""Making, changing, suspending and deleting organizations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from stoa.apps.organizations.contracts import OrganizationView
from stoa.apps.organizations.domain import ADMIN
from stoa.apps.organizations.errors import WrongState
from stoa.apps.organizations.events import (
    OrganizationCreated,
    OrganizationDeleted,
    OrganizationReactivated,
    OrganizationSuspended,
)
from stoa.apps.organizations.models import (
    Invite,
    InviteState,
    Membership,
    MembershipState,
    Organization,
    OrganizationStatus,
)
from stoa.apps.organizations.queries import organization_view_of
from stoa.apps.organizations.services.acting import acting, locked_organization, role_named
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.publishing import publish
from stoa.runtime.config.current import settings


@dataclass(frozen=True, slots=True)
class Changed:
    organization: OrganizationView
    version: int


def create_organization(
    *, owner_id: UUID, name: str, country: str = "", base_currency: str = "", timezone: str = ""
) -> OrganizationView:
    """Make an organization with its creator as first ORG_ADMIN. Publishes OrganizationCreated."""
    current = settings()
    organization = Organization(
        name=name,
        country=country,
        base_currency=base_currency or current.default_base_currency,
        timezone=timezone or current.default_org_timezone,
    )
    with transaction(), tenant_scope(organization.pk):
        organization.save(force_insert=True)
        role = role_named(name=ADMIN)
        Membership(organization=organization, user_id=owner_id, role=role).save(force_insert=True)
        _tell("organizations.created", organization, actor_id=owner_id)
        publish(OrganizationCreated(org_id=organization.pk, owner_id=owner_id))
    return organization_view_of(organization)


def edit_organization(
    *, org_id: UUID, actor_id: UUID, changes: Mapping[str, object], require_version: Callable[[int], None]
) -> Changed:
    """Change what is given (columns of the organization). Locks the organization.

    Raises Denied, OrgSuspended, and whatever `require_version` raises for another version than the caller read."""
    with acting(org_id=org_id, user_id=actor_id, permission="organization:update") as ground:
        organization = ground.organization
        require_version(organization.version)
        before = {name: getattr(organization, name) for name in changes}
        for name, value in changes.items():
            setattr(organization, name, value)
        organization.version += 1
        organization.save(update_fields=[*changes, "version"])
        _tell("organizations.changed", organization, actor_id=actor_id, before=before, after=changes)
    return Changed(organization_view_of(organization), organization.version)


def suspend_organization(*, org_id: UUID, actor_id: UUID) -> OrganizationView:
    """By staff: from now on it is read-only. Locks the organization. Raises Missing, WrongState. Publishes
    OrganizationSuspended."""
    event = OrganizationSuspended(org_id=org_id)
    return _turn(org_id, actor_id, OrganizationStatus.ACTIVE, OrganizationStatus.SUSPENDED, event)


def reactivate_organization(*, org_id: UUID, actor_id: UUID) -> OrganizationView:
    """By staff. Locks the organization. Raises Missing, WrongState. Publishes OrganizationReactivated."""
    event = OrganizationReactivated(org_id=org_id)
    return _turn(org_id, actor_id, OrganizationStatus.SUSPENDED, OrganizationStatus.ACTIVE, event)


def delete_organization(*, org_id: UUID, actor_id: UUID) -> None:
    """Close it for good: nobody is in it any more, its open invites are withdrawn; its rows stay for what was booked.

    Locks the organization. Raises Denied, OrgSuspended. Publishes OrganizationDeleted."""
    with acting(org_id=org_id, user_id=actor_id, permission="organization:delete") as ground:
        present = Membership.objects.exclude(state=MembershipState.ENDED)
        present.update(state=MembershipState.ENDED, allowed=[], denied=[])
        Invite.objects.filter(state=InviteState.OPEN).update(state=InviteState.REVOKED, email="", user_id=None)
        ground.organization.status = OrganizationStatus.DELETED
        ground.organization.save(update_fields=["status"])
        _tell("organizations.deleted", ground.organization, actor_id=actor_id, severity=Severity.WARNING)
        publish(OrganizationDeleted(org_id=org_id))


def _turn(
    org_id: UUID,
    actor_id: UUID,
    wanted: OrganizationStatus,
    becomes: OrganizationStatus,
    event: OrganizationSuspended | OrganizationReactivated,
) -> OrganizationView:
    with transaction(), tenant_scope(org_id):
        organization = locked_organization(org_id=org_id)
        if organization.status != wanted:
            raise WrongState(details={"status": organization.status})
        organization.status = becomes
        organization.save(update_fields=["status"])
        _tell(event.name, organization, actor_id=actor_id, severity=Severity.WARNING)
        publish(event)
    return organization_view_of(organization)


def _tell(
    action: str,
    organization: Organization,
    *,
    actor_id: UUID,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    severity: Severity = Severity.INFO,
) -> None:
    record(
        action=action,
        object_type="organization",
        object_id=organization.pk,
        actor_id=actor_id,
        org_id=organization.pk,
        before=before,
        after=after,
        severity=severity,
    )
