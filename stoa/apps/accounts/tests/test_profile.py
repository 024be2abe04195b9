"""One's own profile: read, edited, and nobody else's."""

import pytest
from django.test import Client

from stoa.apps.accounts.models import User
from stoa.apps.accounts.tests.factories import Person
from stoa.platform.testing.client import ApiClient

ME, ALIAS = "/api/v1/users/me", "/api/v1/profile/me"


@pytest.mark.parametrize("path", [ME, ALIAS])
def test_reading_and_editing_oneself(api: ApiClient, member: Person, path: str) -> None:
    caller = api.bearer(member.access)
    assert caller.read(path).data["email"] == member.user.email
    edited = caller.send_json("PATCH", path, {"name": "New Name", "handle": "new_name"})
    assert (edited.data["name"], edited.data["handle"]) == ("New Name", "new_name")
    assert caller.read(path).data == edited.data
    member.user.refresh_from_db()
    assert (member.user.name, member.user.handle, member.user.version) == ("New Name", "new_name", 2)


def test_what_is_not_given_stays(api: ApiClient, member: Person) -> None:
    edited = api.bearer(member.access).send_json("PATCH", ME, {"name": "New Name"})
    assert (edited.data["handle"], edited.data["email"]) == (member.user.handle, member.user.email)


@pytest.mark.parametrize(
    "field",
    ["is_staff", "is_superuser", "role", "is_active", "is_demo", "email", "id", "password", "version", "organization"],
)
@pytest.mark.parametrize("path", [ME, ALIAS])
def test_nobody_promotes_oneself(api: ApiClient, member: Person, field: str, path: str) -> None:
    before = User.objects.filter(pk=member.user.pk).values().get()
    answer = api.bearer(member.access).send_json("PATCH", path, {"name": "New Name", field: True})
    assert (answer.status, answer.code, list(answer.fields)) == (422, "VALIDATION_ERROR", [field])
    assert User.objects.filter(pk=member.user.pk).values().get() == before


@pytest.mark.parametrize("path", [ME, ALIAS])
def test_a_taken_handle_is_refused_and_nothing_changes(
    api: ApiClient, member: Person, outsider: Person, path: str
) -> None:
    body = {"name": "New Name", "handle": outsider.user.handle}
    answer = api.bearer(member.access).send_json("PATCH", path, body)
    assert (answer.status, answer.code) == (409, "HANDLE_TAKEN")
    member.user.refresh_from_db()
    assert (member.user.name, member.user.version) == ("Member", 1)


def test_ones_own_handle_is_not_taken(api: ApiClient, member: Person) -> None:
    assert api.bearer(member.access).send_json("PATCH", ME, {"handle": member.user.handle}).status == 200


def test_the_tag_follows_the_version(api: ApiClient, member: Person) -> None:
    tag = api.get(ME, headers=member.bearer).headers["etag"]
    assert api.get(ME, headers={**member.bearer, "If-None-Match": tag}).status_code == 304
    headers = {**member.bearer, "If-Match": tag}
    assert api.patch(ME, json={"name": "A"}, headers=headers).status_code == 200
    assert api.patch(ALIAS, json={"name": "B"}, headers=headers).status_code == 412
    assert api.get(ME, headers={**member.bearer, "If-None-Match": tag}).status_code == 200


def test_an_edit_in_the_admin_is_a_new_version(api: ApiClient, member: Person, staff: Person) -> None:
    tag = api.get(ME, headers=member.bearer).headers["etag"]
    admin = Client()
    admin.force_login(staff.user)
    form = {"email": member.user.email, "handle": member.user.handle, "name": "Renamed", "is_active": "on"}
    response = admin.post(f"/admin/accounts/user/{member.user.pk}/change/", form)
    assert response.status_code == 302
    again = api.get(ME, headers={**member.bearer, "If-None-Match": tag})
    assert (again.status_code, again.json()["data"]["name"]) == (200, "Renamed")


def test_nobody_elses_email_is_readable(api: ApiClient, member: Person, outsider: Person) -> None:
    caller = api.bearer(outsider.access)
    paths = (ME, ALIAS, "/api/v1/auth/sessions", f"/api/v1/users/{member.user.pk}", "/api/v1/users")
    for path in paths:
        for query in ({}, {"q": member.user.email}, {"email": member.user.email}):
            assert member.user.email not in caller.get(path, params=query).text.replace("%40", "@")
    answer = caller.send_json("PATCH", ME, {"handle": member.user.handle})
    assert member.user.email not in str(answer)


def test_signed_out_there_is_no_self(api: ApiClient, db: None) -> None:
    assert [api.read(path).status for path in (ME, ALIAS)] == [401, 401]
    assert api.send_json("PATCH", ME, {"name": "x"}).status == 401
