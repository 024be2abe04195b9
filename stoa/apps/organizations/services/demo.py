"""A demo organization whose members have different roles."""

from collections.abc import Mapping
from uuid import UUID

from stoa.apps.organizations.domain import ADMIN
from stoa.apps.organizations.models import Invite, Membership, Organization, OrganizationStatus, Role
from stoa.apps.organizations.services.acting import role_named
from stoa.apps.organizations.services.organizations import create_organization
from stoa.platform.db.tenant import across_tenants, tenant_scope
from stoa.platform.db.transactions import transaction

NAME = "Painted Porch"


def seed_organization(*, members: Mapping[UUID, str]) -> UUID:
    """Members by user id with the names of their roles, of whom one is ORG_ADMIN and makes the organization if it is not
    there; whoever is a member already is left as they are. Idempotent."""
    owner = next(user_id for user_id, role in members.items() if role == ADMIN)
    with transaction():
        with across_tenants("the demo organization of a demo person"):
            known = Membership.objects.filter(user_id=owner, organization__name=NAME).first()
        org_id = known.organization_id if known else create_organization(owner_id=owner, name=NAME).id
        with tenant_scope(org_id):
            rows = [
                Membership(organization_id=org_id, user_id=user_id, role=role_named(name=role))
                for user_id, role in members.items()
                if user_id != owner
            ]
            Membership.objects.bulk_create(rows, ignore_conflicts=True)
    return org_id


def remove_demo_organizations(*, demo_people: frozenset[UUID]) -> int:
    """Take away the demo organizations, in which nobody but demo people is; returns how many. Anything else refers to an
    organization and stays."""
    removed = 0
    with transaction(), across_tenants("the demo organizations"):
        for organization in Organization.objects.filter(name=NAME).exclude(status=OrganizationStatus.DELETED):
            members = Membership.objects.filter(organization=organization)
            if set(members.values_list("user_id", flat=True)) <= demo_people:
                Invite.objects.filter(organization=organization).delete()
                members.delete()
                Role.objects.filter(organization=organization).delete()
                organization.delete()
                removed += 1
    return removed
