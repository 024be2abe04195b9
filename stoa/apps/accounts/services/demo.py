"""Demo people. Their passwords are public, so they sign in only while DEMO_DATA is on."""

from dataclasses import dataclass
from uuid import UUID

from stoa.apps.accounts.models import User
from stoa.platform.db.transactions import transaction
from stoa.runtime.config.current import settings


@dataclass(frozen=True, slots=True)
class DemoPerson:
    email: str
    handle: str
    name: str
    password: str
    role: str
    org_role: str
    """In the demo organization."""
    staff: bool = False


DEMO_PEOPLE = (
    DemoPerson(
        email="admin@demo.stoa.test",
        handle="demo_admin",
        name="Zeno of Citium",
        password="stoa-demo-admin",  # noqa: S106 - public on purpose
        role="admin and API",
        org_role="ORG_ADMIN",
        staff=True,
    ),
    DemoPerson(
        email="manager@demo.stoa.test",
        handle="demo_manager",
        name="Chrysippus",
        password="stoa-demo-manager",  # noqa: S106 - public on purpose
        role="API, manager",
        org_role="MANAGER",
    ),
    DemoPerson(
        email="member@demo.stoa.test",
        handle="demo_member",
        name="Hipparchia",
        password="stoa-demo-member",  # noqa: S106 - public on purpose
        role="API, viewer",
        org_role="VIEWER",
    ),
)


def demo_people() -> tuple[DemoPerson, ...]:
    """Who can sign in with a password that everybody may know: nobody where DEMO_DATA is off."""
    return DEMO_PEOPLE if settings().demo_data else ()


def seed_people() -> dict[UUID, str]:
    """Make whoever is missing; every demo person's id with their role in the demo organization. An existing account is
    never touched."""
    roles = {}
    for person in DEMO_PEOPLE:
        user = User.objects.filter(email=person.email).first() or _make(person)
        roles[user.pk] = person.org_role
    return roles


def remove_people() -> frozenset[UUID]:
    """Delete the demo people, with their sessions; returns who they were. Raises ProtectedError, and deletes nobody,
    where rows that stay refer to one of them."""
    with transaction():
        ids = demo_ids()
        User.objects.filter(pk__in=ids).delete()
    return ids


def demo_ids() -> frozenset[UUID]:
    return frozenset(User.objects.filter(is_demo=True).values_list("pk", flat=True))


def _make(person: DemoPerson) -> User:
    user = User(
        email=person.email,
        handle=person.handle,
        name=person.name,
        is_demo=True,
        is_staff=person.staff,
        is_superuser=person.staff,
    )
    user.set_password(person.password)
    with transaction():
        User.objects.bulk_create([user], ignore_conflicts=True)
    return User.objects.get(email=person.email)
