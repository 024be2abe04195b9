"""Small makers of organizations and members for tests of every app."""

from uuid import UUID

from stoa.apps.accounts.tests.factories import Person, make_person
from stoa.apps.organizations.models import Invite, Membership, Role
from stoa.apps.organizations.services.invites import invite, token_of
from stoa.apps.organizations.services.organizations import create_organization
from stoa.kit.ids import new_uuid
from stoa.platform.db.tenant import across_tenants, tenant_scope


def make_organization(owner: Person, name: str = "Garden") -> UUID:
    return create_organization(owner_id=owner.user.pk, name=name).id


def role_id_of(name: str) -> UUID:
    with across_tenants("a role that ships, for a test"):
        return Role.objects.get(organization=None, name=name).pk


def make_member(org_id: UUID, role: str = "VIEWER", name: str = "Member", **fields: object) -> tuple[Person, UUID]:
    """A new person and their membership, without an invite. `fields` are columns of the membership."""
    person = make_person(name)
    return person, join(org_id, person, role, **fields)


def join(org_id: UUID, person: Person, role: str = "VIEWER", **fields: object) -> UUID:
    with tenant_scope(org_id):
        member = Membership(organization_id=org_id, user=person.user, role_id=role_id_of(role), **fields)
        member.save(force_insert=True)
    return member.pk


def member_id_of(org_id: UUID, person: Person) -> UUID:
    with tenant_scope(org_id):
        return Membership.objects.get(user_id=person.user.pk).pk


def allow(org_id: UUID, person: Person, *permissions: str) -> None:
    """Beyond the role, and beyond the catalogue: routes of the probe ask for words that no organization knows."""
    with tenant_scope(org_id):
        Membership.objects.filter(user_id=person.user.pk).update(allowed=list(permissions))


def make_invite(org_id: UUID, by: Person, email: str, role: str = "VIEWER") -> tuple[UUID, str]:
    """Its id, and the token that the mail would carry."""
    view = invite(org_id=org_id, actor_id=by.user.pk, email=email, role_id=role_id_of(role))
    with tenant_scope(org_id):
        return view.id, token_of(invite=Invite.objects.get(pk=view.id))


def make_role(org_id: UUID, *permissions: str) -> UUID:
    with tenant_scope(org_id):
        role = Role(organization_id=org_id, name=f"R{new_uuid().hex[-12:].upper()}", permissions=list(permissions))
        role.save(force_insert=True)
        return role.pk
