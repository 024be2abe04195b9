"""`/admin/password_change/` changes it as the API does: counted, recorded, and out everywhere else."""

import pytest
from django.test import Client

from stoa.apps.accounts.models import Session, User
from stoa.apps.accounts.tests.factories import PASSWORD, Person
from stoa.platform.audit.models import AuditRecord

PAGE, NEW = "/admin/password_change/", "quite-another-passphrase"


@pytest.fixture
def browser(staff: Person) -> Client:
    return _signed_in(staff)


def _signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(person.user)
    return client


def _change(client: Client, old: str, new: str = NEW) -> str:
    given = {"old_password": old, "new_password1": new, "new_password2": new}
    return client.post(PAGE, given, follow=True).content.decode()


def test_it_ends_every_other_session(browser: Client, staff: Person) -> None:
    elsewhere = _signed_in(staff)
    assert "Your password was changed" in _change(browser, PASSWORD)
    assert User.objects.get(pk=staff.user.pk).check_password(NEW)
    assert not Session.objects.filter(user=staff.user, revoked_at=None).exists()
    assert browser.get("/admin/").status_code == 200
    assert elsewhere.get("/admin/").status_code == 302
    assert AuditRecord.objects.get(action="accounts.password_changed").actor_id == str(staff.user.pk)


def test_guesses_at_the_old_one_count_for_the_lockout(browser: Client, staff: Person) -> None:
    for _ in range(5):
        assert "The password is not right." in _change(browser, "wrong")
    assert "Too many attempts" in _change(browser, PASSWORD)
    assert User.objects.get(pk=staff.user.pk).check_password(PASSWORD)
    assert not AuditRecord.objects.filter(action="accounts.password_changed").exists()


def test_a_weak_one_changes_nothing(browser: Client, staff: Person) -> None:
    assert "too common" in _change(browser, PASSWORD, "password")
    assert User.objects.get(pk=staff.user.pk).check_password(PASSWORD)


def test_it_is_for_staff(member: Person, db: None) -> None:
    assert _signed_in(member).get(PAGE).status_code == 302
    assert Client().get(PAGE).status_code == 302
