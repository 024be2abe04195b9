"""Which acts of accounts stand on the audit trail, with whom and from where."""

import json

from django.test import Client

from stoa.apps.accounts.models import Session, User
from stoa.apps.accounts.tests.factories import PASSWORD, Person
from stoa.platform.audit.models import AuditRecord
from stoa.platform.testing.client import ApiClient, envelope


def told(action: str) -> list[tuple[str, str, dict[str, object]]]:
    rows = AuditRecord.objects.filter(action=action).select_related("detail").order_by("id")
    return [(row.actor_id, row.object_id, json.loads(row.detail.payload)) for row in rows]


def test_sign_in_and_its_failures(api: ApiClient, member: Person) -> None:
    user = member.user
    sign_in = {"login": user.email, "password": PASSWORD}
    headers = {"User-Agent": "a browser", "X-Request-ID": "the-id"}
    # the field's name is email on this route
    body = {"email": sign_in["login"], "password": sign_in["password"]}
    assert envelope(api.post("/api/v1/auth/login", json=body, headers=headers)).status == 200
    assert told("accounts.signed_in") == [
        (str(user.pk), str(user.pk), {"address": "127.0.0.1", "agent": "a browser", "after": {"way": "password"}})
    ]
    assert AuditRecord.objects.get(action="accounts.signed_in").request_id == "the-id"
    for login, password in ((user.email, "wrong-password"), ("nobody-wrong", "x")):
        body = {"email": login, "password": password}
        assert envelope(api.post("/api/v1/auth/login", json=body, headers=headers)).status == 401
    (known, unknown) = told("accounts.sign_in_failed")
    assert known[:2] == ("", str(user.pk))
    assert unknown[:2] == ("", "")
    assert unknown[2]["after"] == {"way": "password", "login": "unknown"}
    written = "".join(str(row) for row in (known, unknown))
    assert user.email not in written
    assert "wrong" not in written


def test_registration_and_the_end_of_sessions(api: ApiClient, member: Person) -> None:
    body = {"email": "new@example.org", "password": PASSWORD, "name": "New"}
    made = envelope(api.post("/api/v1/auth/register", json=body)).data
    assert [(actor, number) for actor, number, _ in told("accounts.registered")] == [(made["user"]["id"],) * 2]
    for refresh in (made["refresh"], made["refresh"], "nothing.of.ours"):
        assert envelope(api.post("/api/v1/auth/logout", json={"refresh": refresh})).status == 200
    assert [actor for actor, _, _ in told("accounts.signed_out")] == [made["user"]["id"]]
    session = envelope(api.get("/api/v1/auth/sessions", headers=member.bearer)).data[0]["id"]
    assert envelope(api.delete(f"/api/v1/auth/sessions/{session}", headers=member.bearer)).status == 200
    assert [act[:2] for act in told("accounts.session_ended")] == [(str(member.user.pk), session)]


def test_a_spent_refresh_token_is_told_as_what_it_is(api: ApiClient, member: Person) -> None:
    assert envelope(api.post("/api/v1/auth/refresh", json={"refresh": member.refresh})).status == 200
    assert envelope(api.post("/api/v1/auth/refresh", json={"refresh": member.refresh})).status == 401
    assert [act[0] for act in told("accounts.refresh_token_reused")] == [str(member.user.pk)]
    assert AuditRecord.objects.get(action="accounts.refresh_token_reused").severity == "warning"


def test_the_admin_tells_who_signed_in_and_what_they_edited(client: Client, staff: Person, member: Person) -> None:
    form = {"username": staff.user.email, "password": "not-this-one", "next": "/admin/"}
    assert client.post("/admin/login/", form).status_code == 200
    assert [act[1] for act in told("accounts.sign_in_failed")] == [str(staff.user.pk)]
    assert client.post("/admin/login/", form | {"password": PASSWORD}).status_code == 302
    assert [act[0] for act in told("accounts.signed_in")] == [str(staff.user.pk)]
    other = member.user
    edited = {"email": other.email, "handle": other.handle, "name": "Renamed", "is_active": "on"}
    assert client.post(f"/admin/accounts/user/{other.pk}/change/", edited).status_code == 302
    ((actor, number, detail),) = told("accounts.changed_by_staff")
    assert (actor, number) == (str(staff.user.pk), str(other.pk))
    assert (detail["before"], detail["after"]) == ({"name": "Member"}, {"name": "Renamed"})
    session = Session.objects.get(user=other)
    gone = client.post("/admin/accounts/session/", {
        "action": "revoke", "_selected_action": str(session.pk)})  # fmt: skip
    assert gone.status_code == 302
    assert Session.objects.filter(pk=session.pk).exclude(revoked_at=None).exists()
    ended = AuditRecord.objects.get(action="accounts.session_ended_by_staff")
    assert (ended.actor_id, ended.object_id) == (str(staff.user.pk), str(session.pk))


def test_a_person_is_erased_and_never_deleted_in_the_admin(client: Client, staff: Person, member: Person) -> None:
    client.force_login(staff.user)
    assert client.post(f"/admin/accounts/user/{member.user.pk}/delete/", {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=member.user.pk).exists()
