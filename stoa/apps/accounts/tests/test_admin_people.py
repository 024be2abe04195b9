"""People in the admin: found by what indexes know, changed by services, and never beyond what whoever asks may."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from stoa.apps.accounts.models import Session, SignInAttempt, User
from stoa.apps.accounts.tests.factories import PASSWORD, Person, make_person, make_session, make_user
from stoa.platform.audit.models import AuditRecord
from stoa.platform.testing.client import ApiClient, envelope

USERS, SESSIONS = "/admin/accounts/user/", "/admin/accounts/session/"


def signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(person.user)
    return client


@pytest.fixture
def browser(staff: Person) -> Client:
    return signed_in(staff)


@pytest.fixture
def clerk(db: None) -> Person:
    """Staff who may view and change people, and no more."""
    person = make_person("Clerk", is_staff=True)
    words = ("view_user", "change_user", "view_session", "change_session")
    person.user.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts", codename__in=words))
    return person


def listed(client: Client, address: str = USERS, **query: str) -> list[str]:
    page = client.get(address, query)
    assert page.status_code == 200
    return [str(row) for row in page.context_data["cl"].result_list]  # type: ignore[index]


def act(client: Client, action: str, *rows: object, address: str = USERS) -> str:
    chosen = {"action": action, "_selected_action": [str(row) for row in rows]}
    return client.post(address, chosen, follow=True).content.decode()


def edit(client: Client, user: User, **changed: str) -> str:
    form = {"email": user.email, "handle": user.handle, "name": user.name, "is_active": "on", **changed}
    sent = {name: value for name, value in form.items() if value}
    return client.post(f"{USERS}{user.pk}/change/", sent, follow=True).content.decode()


def acts() -> list[tuple[str, str, str]]:
    rows = AuditRecord.objects.filter(action__startswith="accounts.").order_by("id")
    return [(row.action, row.actor_id, row.object_id) for row in rows]


def test_people_are_found_by_the_beginning_of_a_name_the_email_or_the_id(browser: Client) -> None:
    found = make_user("Émile Zola", handle="emile_z", email="zola@example.org")
    make_user("Nobody Else", handle="nobody_else")
    for term in ("émi", "EMILE_", " Zola@Example.org ", str(found.pk)):
        assert listed(browser, q=term) == ["emile_z"], term
    for term in ("zola@example.or", "mile", "%", "_", "g"):
        assert listed(browser, q=term) == [], term


def test_neither_secrets_nor_birth_data_are_on_the_page(browser: Client, api: ApiClient, member: Person) -> None:
    born = {"birth": {"date": "1987-03-21"}, "phone": "+995555123456"}
    assert envelope(api.patch("/api/v1/users/me", json=born, headers=member.bearer)).status == 200
    session = Session.objects.get(user=member.user)
    shown = "".join(
        browser.get(address).content.decode()
        for address in (f"{USERS}{member.user.pk}/change/", f"{SESSIONS}{session.pk}/change/", USERS, SESSIONS)
    )
    password = User.objects.get(pk=member.user.pk).password
    assert [secret for secret in (password, session.refresh_hash, session.family_hash) if secret in shown] == []
    assert [word for word in ("1987", "995555", "argon2", "Birth", "Phone") if word in shown] == []


def test_disabling_signs_out_and_enabling_does_not_sign_in(
    browser: Client, api: ApiClient, staff: Person, member: Person
) -> None:
    assert "1 disabled." in act(browser, "disable", member.user.pk)
    assert api.bearer(member.access).read("/api/v1/users/me").status == 401
    assert "1 enabled." in act(browser, "enable", member.user.pk)
    assert api.bearer(member.access).read("/api/v1/users/me").status == 401
    body = {"email": member.user.email, "password": PASSWORD}
    assert envelope(api.post("/api/v1/auth/login", json=body)).status == 200
    by, on = str(staff.user.pk), str(member.user.pk)
    assert acts()[:2] == [("accounts.disabled", by, on), ("accounts.enabled", by, on)]


def test_all_sessions_of_a_person_or_one_are_ended(browser: Client, staff: Person, member: Person) -> None:
    make_session(member)
    first, second = Session.objects.filter(user=member.user).order_by("created_at")
    assert "1 ended." in act(browser, "revoke", first.pk, address=SESSIONS)
    assert "There is nothing here." in act(browser, "revoke", first.pk, address=SESSIONS)
    assert list(Session.objects.filter(user=member.user, revoked_at=None)) == [second]
    assert "1 signed out everywhere." in act(browser, "end_all_sessions", member.user.pk)
    assert not Session.objects.filter(user=member.user, revoked_at=None).exists()
    told = [(action, actor) for action, actor, _ in acts()]
    by = str(staff.user.pk)
    assert told == [("accounts.session_ended_by_staff", by), ("accounts.sessions_ended_by_staff", by)]
    assert len(listed(browser, SESSIONS, q=member.user.email)) == 2
    assert listed(browser, SESSIONS, q="nobody@example.org") == []


def test_who_is_locked_out_is_listed_and_let_in_again(browser: Client, api: ApiClient, member: Person) -> None:
    wrong = {"email": member.user.email, "password": "wrong"}
    for _ in range(4):
        api.post("/api/v1/auth/login", json=wrong)
    assert listed(browser, locked="yes") == []
    api.post("/api/v1/auth/login", json=wrong)
    assert listed(browser, locked="yes") == [member.user.handle]
    right = wrong | {"password": PASSWORD}
    assert api.post("/api/v1/auth/login", json=right).status_code == 429
    assert "1 unlocked." in act(browser, "unlock", member.user.pk)
    assert listed(browser, locked="yes") == []
    assert api.post("/api/v1/auth/login", json=right).status_code == 200
    # Of the address they still count: whoever guesses at many is held up by that.
    assert SignInAttempt.objects.filter(address="127.0.0.1", counts=True, account="").count() == 5


def test_a_changed_email_is_not_verified_and_a_taken_one_changes_nothing(browser: Client, member: Person) -> None:
    User.objects.filter(pk=member.user.pk).update(email_verified_at=member.user.created_at)
    version = User.objects.get(pk=member.user.pk).version
    edit(browser, member.user, email="New.Address@Example.org", name="Renamed")
    user = User.objects.get(pk=member.user.pk)
    assert (user.email, user.email_verified_at, user.version) == ("new.address@example.org", None, version + 1)
    assert user.name_key == "Renamed".lower().encode().hex()
    taken = make_user("Other").email
    assert "already exists" in edit(browser, user, email=taken)
    assert User.objects.get(pk=user.pk).email == "new.address@example.org"
    assert [action for action, _, _ in acts()] == ["accounts.changed_by_staff"]


def test_somebody_is_added_without_a_password(browser: Client, staff: Person) -> None:
    given = {"email": "Added@Example.org", "name": "Added", "handle": "added_one"}
    assert browser.post(f"{USERS}add/", given).status_code == 302
    made = User.objects.get(handle="added_one")
    assert (made.email, made.has_usable_password(), made.is_staff) == ("added@example.org", False, False)
    assert acts() == [("accounts.added_by_staff", str(staff.user.pk), str(made.pk))]


def test_rights_are_given_by_superusers_alone(browser: Client, clerk: Person, member: Person) -> None:
    group = Group.objects.create(name="clerks")
    rights = {"is_staff": "on", "is_superuser": "on", "staff_permissions": '["audit:read"]', "groups": str(group.pk)}
    edit(signed_in(clerk), member.user, name="Renamed", **rights)
    user = User.objects.get(pk=member.user.pk)
    assert (user.name, user.is_staff, user.is_superuser, user.staff_permissions) == ("Renamed", False, False, [])
    assert not user.groups.exists()
    edit(browser, user, **rights)
    user.refresh_from_db()
    assert (user.is_staff, user.is_superuser, user.staff_permissions) == (True, True, ["audit:read"])
    assert list(user.groups.all()) == [group]


@pytest.mark.parametrize("wrong", ['{"audit:read": 1}', '"audit:read"', "[1]", '["all"]', "7"])
def test_permissions_are_words_or_nothing(browser: Client, member: Person, wrong: str) -> None:
    assert "A list of words" in edit(browser, member.user, is_staff="on", staff_permissions=wrong)
    user = User.objects.get(pk=member.user.pk)
    assert (user.is_staff, user.staff_permissions) == (False, [])


def test_a_superuser_is_out_of_reach_of_other_staff(clerk: Person, staff: Person) -> None:
    client = signed_in(clerk)
    for action in ("disable", "end_all_sessions", "unlock"):
        assert "You may not do this." in act(client, action, staff.user.pk)
    session = Session.objects.get(user=staff.user)
    assert "You may not do this." in act(client, "revoke", session.pk, address=SESSIONS)
    assert client.post(f"{USERS}{staff.user.pk}/change/", {"name": "Mine"}).status_code == 403
    assert acts() == []
    user = User.objects.get(pk=staff.user.pk)
    assert (user.is_active, user.name) == (True, "Staff")
    assert Session.objects.filter(user=staff.user, revoked_at=None).exists()


def test_nobody_shuts_themselves_out(browser: Client, staff: Person) -> None:
    assert "Nobody does this to their own account" in act(browser, "disable", staff.user.pk)
    rights = {"is_staff": "on", "staff_permissions": "[]"}  # without is_superuser
    assert "Nobody does this to their own account" in edit(browser, staff.user, name="Else", **rights)
    user = User.objects.get(pk=staff.user.pk)
    assert (user.is_active, user.is_superuser, user.name) == (True, True, "Staff")
    assert acts() == []


def test_who_may_only_look_does_nothing(clerk: Person, member: Person) -> None:
    clerk.user.user_permissions.set(Permission.objects.filter(codename__in=("view_user", "view_session")))
    client = signed_in(clerk)
    assert member.user.handle in listed(client)
    act(client, "disable", member.user.pk)
    session = Session.objects.get(user=member.user)
    act(client, "revoke", session.pk, address=SESSIONS)
    assert client.post(f"{USERS}{member.user.pk}/change/", {"name": "x"}).status_code == 403
    assert client.get(f"{USERS}add/").status_code == 403
    assert acts() == []
    assert User.objects.get(pk=member.user.pk).is_active
    assert Session.objects.filter(pk=session.pk, revoked_at=None).exists()


def test_lists_have_a_fixed_number_of_queries(browser: Client, django_assert_num_queries: object) -> None:
    for number in range(3):
        make_person(f"Person {number}")
    for address in (USERS, SESSIONS):
        with django_assert_num_queries(3):  # type: ignore[operator]  # session, who, the rows
            browser.get(address)
