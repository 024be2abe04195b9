"""Whoever keeps a connection open hears of each session that ends, and of nothing else."""

import json
from typing import Any

from django.test import Client

from stoa.apps.accounts.models import Session, User
from stoa.apps.accounts.tests.factories import PASSWORD, Person
from stoa.platform.outbox.models import OutboxEvent
from stoa.platform.testing.client import ApiClient

AUTH = "/api/v1/auth"


def told(name: str = "accounts.sessions_ended") -> list[dict[str, Any]]:
    payloads = OutboxEvent.objects.filter(name=name).order_by("id").values_list("payload", flat=True)
    return [json.loads(payload) for payload in payloads]


def session_of(refresh: str) -> str:
    return refresh.partition(".")[0]


def of(person: Person, *refresh: str) -> dict[str, Any]:
    return {"user_id": str(person.user.pk), "session_ids": sorted(map(session_of, refresh))}


def second_session(api: ApiClient, person: Person) -> str:
    body = {"email": person.user.email, "password": PASSWORD}
    return str(api.send_json("POST", f"{AUTH}/login", body).data["refresh"])


def test_logging_out_once_or_twice(api: ApiClient, member: Person) -> None:
    for _ in range(2):
        api.send_json("POST", f"{AUTH}/logout", {"refresh": member.refresh})
    assert told() == [of(member, member.refresh)]


def test_ending_one_session(api: ApiClient, member: Person) -> None:
    other = second_session(api, member)
    api.bearer(member.access).send_json("DELETE", f"{AUTH}/sessions/{session_of(other)}")
    assert told() == [of(member, other)]


def test_logging_out_everywhere(api: ApiClient, member: Person, outsider: Person) -> None:
    other = second_session(api, member)
    api.bearer(member.access).send_json("POST", f"{AUTH}/logout-all")
    assert told() == [of(member, member.refresh, other)]
    assert Session.objects.filter(user=outsider.user, revoked_at=None).count() == 1


def test_a_refresh_token_sent_twice(api: ApiClient, member: Person) -> None:
    for _ in range(3):
        api.send_json("POST", f"{AUTH}/refresh", {"refresh": member.refresh})
    assert told() == [of(member, member.refresh)]


def test_closing_the_account(api: ApiClient, member: Person) -> None:
    api.bearer(member.access).send_json("DELETE", "/api/v1/users/me", {"password": PASSWORD})
    assert told() == [of(member, member.refresh)]


def edit_in_admin(staff: Person, member: Person, **changed: str) -> None:
    client = Client()
    client.force_login(staff.user)
    user = member.user
    form = {"email": user.email, "handle": user.handle, "name": user.name, "is_active": "on", **changed}
    sent = {name: value for name, value in form.items() if value}
    assert client.post(f"/admin/accounts/user/{user.pk}/change/", sent).status_code == 302


def test_disabling_in_the_admin_ends_access_on_the_next_request(api: ApiClient, staff: Person, member: Person) -> None:
    edit_in_admin(staff, member, name="Renamed")
    assert told() == []
    edit_in_admin(staff, member, is_active="")
    assert told() == [of(member, member.refresh)]
    assert api.bearer(member.access).read("/api/v1/users/me").status == 401
    edit_in_admin(staff, member)
    assert User.objects.get(pk=member.user.pk).is_active
    assert api.bearer(member.access).read("/api/v1/users/me").status == 401


def test_ending_a_session_in_the_admin(staff: Person, member: Person) -> None:
    client = Client()
    client.force_login(staff.user)
    session = Session.objects.get(user=member.user)
    chosen = {"action": "revoke", "_selected_action": str(session.pk)}
    assert client.post("/admin/accounts/session/", chosen).status_code == 302
    assert told() == [of(member, member.refresh)]
    session.refresh_from_db()
    assert session.revoked_at is not None


def test_registering(api: ApiClient, db: None) -> None:
    body = {"email": "new@example.org", "password": PASSWORD, "name": "New"}
    made = api.send_json("POST", f"{AUTH}/register", body).data["user"]["id"]
    assert api.send_json("POST", f"{AUTH}/register", body).status == 409
    assert told("accounts.registered") == [{"user_id": made}]
