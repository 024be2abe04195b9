"""The admin's own form and cookie follow the rule of the API."""

from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from stoa.apps.accounts.services.demo import DEMO_PEOPLE, seed_people
from stoa.apps.accounts.tests.factories import PASSWORD, Person
from stoa.runtime.config import current

PERSON = DEMO_PEOPLE[0]


def sign_in(client: Client, email: str, password: str) -> bool:
    response = client.post("/admin/login/?next=/admin/", {"username": email, "password": password})
    assert response.status_code in {200, 302}
    return bool(client.get("/admin/").status_code == 200)


@pytest.fixture
def without_demo_data() -> Iterator[None]:
    chosen = current.loaded()
    current.use(type(chosen)(chosen.settings.model_copy(update={"demo_data": False}), chosen.origins))
    yield
    current.use(chosen)


def test_the_demo_password_opens_the_admin_of_a_demo(db: None) -> None:
    seed_people()
    assert sign_in(Client(), PERSON.email, PERSON.password)


def test_it_opens_nothing_where_demo_data_is_off(db: None, without_demo_data: None) -> None:
    seed_people()
    assert not sign_in(Client(), PERSON.email, PERSON.password)


def test_a_cookie_from_the_demo_is_worth_nothing_afterwards(db: None, request: pytest.FixtureRequest) -> None:
    seed_people()
    client = Client()
    assert sign_in(client, PERSON.email, PERSON.password)
    request.getfixturevalue("without_demo_data")
    assert client.get("/admin/").status_code == 302


def test_staff_signs_in_and_a_member_does_not(staff: Person, member: Person) -> None:
    assert sign_in(Client(), staff.user.email.upper(), PASSWORD)
    assert not sign_in(Client(), member.user.email, PASSWORD)


def test_the_first_staff_is_made_on_the_command_line(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", interactive=False, email="Root@Example.org", name="Root", verbosity=0)
    assert sign_in(Client(), "root@example.org", PASSWORD)
    with pytest.raises(CommandError, match="already taken"):
        call_command("createsuperuser", interactive=False, email="root@example.org", name="Root", verbosity=0)
