"""Small makers of people for tests of every app."""

from dataclasses import dataclass

from stoa.apps.accounts.models import User
from stoa.apps.accounts.services.sessions import Device, open_session
from stoa.kit.ids import new_uuid

PASSWORD = "a-long-enough-passphrase"


@dataclass(frozen=True)
class Person:
    """Somebody with an open session."""

    user: User
    access: str
    refresh: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access}"}


def make_user(name: str = "Somebody", **fields: object) -> User:
    tail = new_uuid().hex[-12:]
    user = User(name=name, **{"email": f"{name.lower()}.{tail}@example.org", "handle": f"u_{tail}", **fields})
    user.set_password(PASSWORD)
    user.save(force_insert=True)
    return user


def make_person(name: str = "Somebody", **fields: object) -> Person:
    return _with_session(make_user(name, **fields))


def make_session(person: Person) -> Person:
    """The same person, signed in once more."""
    return _with_session(person.user)


def _with_session(user: User) -> Person:
    pair = open_session(user=user, device=Device(agent="tests", address="127.0.0.1"))
    return Person(user, pair.access, pair.refresh)
