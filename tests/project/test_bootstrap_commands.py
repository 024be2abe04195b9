"""bootstrap_admin, bootstrap_dev and load_fixtures: what they make, that they may be repeated, what they refuse."""

from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import CommandError

from stoa.apps.accounts.models import User
from stoa.apps.accounts.tests.factories import PASSWORD, Person
from stoa.apps.organizations.models import Membership, Organization
from stoa.apps.organizations.tests.factories import join, make_organization
from stoa.platform.audit.models import AuditRecord
from stoa.platform.db.tenant import across_tenants
from tests.platform.outbox.notes import with_settings

pytestmark = pytest.mark.django_db
EMAIL = "ops@example.org"


def told(name: str, *arguments: str) -> str:
    out = StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue()


def test_the_first_superuser_gets_a_password_that_is_shown_once() -> None:
    first, second = told("bootstrap_admin", "--email", "Ops@Example.org"), told("bootstrap_admin", "--email", EMAIL)
    password = first.rpartition("shown this once: ")[2].strip()
    user = User.objects.get(email=EMAIL)
    assert (user.is_staff, user.is_superuser, user.check_password(password)) == (True, True, True)
    assert len(password) >= 20
    assert "the password is as it was" in second
    assert password not in second
    assert set(Group.objects.values_list("name", flat=True)) >= {"moderation_team", "support"}
    made = AuditRecord.objects.filter(object_id=str(user.pk))
    assert [record.action for record in made] == ["accounts.admin_made"]


def test_an_account_that_is_there_is_promoted_and_keeps_its_password(member: Person) -> None:
    told("bootstrap_admin", "--email", member.user.email, "--password", "another-long-passphrase")
    member.user.refresh_from_db()
    assert (member.user.is_staff, member.user.is_superuser) == (True, True)
    assert member.user.check_password(PASSWORD)
    assert AuditRecord.objects.filter(action="accounts.admin_promoted").count() == 1


def test_a_chosen_password_is_not_shown() -> None:
    assert PASSWORD not in told("bootstrap_admin", "--email", EMAIL, "--password", PASSWORD)
    assert User.objects.get(email=EMAIL).check_password(PASSWORD)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--email", "nobody"], "email: not an e-mail address"),
        (["--email", EMAIL, "--password", "password"], "password: This password is too common."),
        ([], "whose"),
    ],
)
def test_what_is_not_valid_makes_nobody(arguments: list[str], why: str) -> None:
    before = User.objects.count()
    with pytest.raises(CommandError, match=why):
        told("bootstrap_admin", *arguments)
    assert User.objects.count() == before


def test_fixtures_may_be_loaded_twice() -> None:
    for _ in range(2):
        assert told("load_fixtures").strip() == "loaded 10_staff_groups.json"
    assert Group.objects.filter(name__in=["moderation_team", "support"]).count() == 2


def test_one_bad_fixture_loads_nothing_of_all(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text('[{"model": "auth.group", "fields": {"name": "first", "permissions": []}}]')
    (tmp_path / "2.json").write_text('[{"model": "auth.group", "fields": {"name": null, "permissions": []}}]')
    with pytest.raises(CommandError, match="nothing was loaded"):
        told("load_fixtures", "--path", str(tmp_path))
    assert not Group.objects.filter(name="first").exists()


@pytest.mark.parametrize(("path", "why"), [("gone", "does not exist"), (".", "holds no fixture")])
def test_a_folder_without_fixtures_is_told(tmp_path: Path, path: str, why: str) -> None:
    with pytest.raises(CommandError, match=why):
        told("load_fixtures", "--path", str(tmp_path / path))


def test_a_laptop_gets_people_who_can_sign_in() -> None:
    said = told("bootstrap_dev")
    assert "admin@demo.stoa.test" in said
    assert "/admin/" in said
    assert User.objects.get(email="admin@demo.stoa.test").is_superuser
    assert told("bootstrap_dev") == said


def demo_roles() -> set[tuple[str, str]]:
    with across_tenants("the demo organization in a test"):
        rows = Membership.objects.select_related("role").filter(organization__name="Painted Porch")
        return {(row.user.email.partition("@")[0], row.role.name) for row in rows}


def test_demo_people_are_in_one_organization_with_different_roles() -> None:
    for _ in range(2):
        told("seed_demo")
    assert demo_roles() == {("admin", "ORG_ADMIN"), ("manager", "MANAGER"), ("member", "VIEWER")}
    assert Organization.objects.count() == 1


def test_a_reset_takes_demo_rows_and_no_others(member: Person) -> None:
    told("seed_demo")
    before = set(User.objects.filter(is_demo=True).values_list("pk", flat=True))
    make_organization(member)
    told("seed_demo", "--reset")
    after = set(User.objects.filter(is_demo=True).values_list("pk", flat=True))
    assert len(after) == 3
    assert not before & after
    assert User.objects.filter(pk=member.user.pk).exists()
    assert Organization.objects.count() == 2


def test_a_reset_that_would_break_what_is_not_demo_deletes_nothing(member: Person) -> None:
    told("seed_demo")
    admin = User.objects.get(email="admin@demo.stoa.test")
    with across_tenants("a demo person in an organization that stays"):
        join(make_organization(member), Person(admin, "", ""))
    with pytest.raises(CommandError, match="nothing was deleted"):
        told("seed_demo", "--reset")
    assert demo_roles() == {("admin", "ORG_ADMIN"), ("manager", "MANAGER"), ("member", "VIEWER")}


def test_production_gets_no_demo_people() -> None:
    with with_settings(environment="production"), pytest.raises(CommandError, match="bootstrap_admin"):
        told("bootstrap_dev")
    assert User.objects.count() == 0


def test_a_developer_finds_shell_plus() -> None:
    assert apps.is_installed("django_extensions")
