"""Demo people. Their passwords are public, so they sign in only while DEMO_DATA is on."""

from dataclasses import dataclass

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
    staff: bool = False


DEMO_PEOPLE = (
    DemoPerson("admin@demo.stoa.test", "demo_admin", "Zeno of Citium", "stoa-demo-admin", "admin and API", staff=True),
    DemoPerson("member@demo.stoa.test", "demo_member", "Hipparchia", "stoa-demo-member", "API"),
)


def demo_people() -> tuple[DemoPerson, ...]:
    """Who can sign in with a password that everybody may know: nobody where DEMO_DATA is off."""
    return DEMO_PEOPLE if settings().demo_data else ()


def seed_people() -> int:
    """Make whoever is missing; returns how many that were. An existing account is never touched."""
    made = 0
    for person in DEMO_PEOPLE:
        if User.objects.filter(email=person.email).exists():
            continue
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
            made += User.objects.bulk_create([user], ignore_conflicts=True) != []
    return made
