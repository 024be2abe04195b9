"""The cast of every test, and the caller they share."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from uuid import UUID

    from stoa.apps.accounts.tests.factories import Person
    from stoa.platform.testing.client import ApiClient


@pytest.fixture
def api() -> Iterator["ApiClient"]:
    """The whole WSGI application, without a socket."""
    from stoa.platform.testing.client import ApiClient
    from stoa.project.wsgi import application

    with ApiClient(application) as client:
        yield client


@pytest.fixture
def member(db: None) -> "Person":
    return _person("Member")


@pytest.fixture
def outsider(db: None) -> "Person":
    return _person("Outsider")


@pytest.fixture
def owner(db: None) -> "Person":
    return _person("Owner")


@pytest.fixture
def org_id(owner: "Person", member: "Person") -> "UUID":
    """Where the owner is ORG_ADMIN and the member a VIEWER; nobody else of the cast is in it."""
    from stoa.apps.organizations.tests.factories import join, make_organization

    made = make_organization(owner)
    join(made, member)
    return made


@pytest.fixture
def moderator(db: None) -> "Person":
    """Staff with one permission, so no superuser."""
    return _person("Moderator", is_staff=True, staff_permissions=["organizations:suspend"])


@pytest.fixture
def staff(db: None) -> "Person":
    return _person("Staff", is_staff=True, is_superuser=True)


def _person(name: str, **fields: object) -> "Person":
    from stoa.apps.accounts.tests.factories import make_person

    return make_person(name, **fields)
