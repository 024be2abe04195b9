"""What the gateway asks: who may hear what, which sessions live; nobody else is answered."""

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stoa.apps.accounts.models import Session, User
from stoa.apps.accounts.services.sessions import sign_out
from stoa.apps.accounts.tests.factories import Person, make_person, make_session
from stoa.apps.organizations.services.members import deactivate_member
from stoa.apps.organizations.services.organizations import delete_organization
from stoa.apps.organizations.tests.factories import make_member, make_organization
from stoa.kit.ids import new_id
from stoa.platform.realtime.public import register_channel_authoriser
from stoa.platform.testing.client import ApiClient
from stoa.runtime.internal_secret import internal_secret
from stoa.runtime.tickets import read_ticket
from stoa.runtime.tokens import read_access_token

pytestmark = pytest.mark.django_db

SESSIONS, TICKET = "/internal/realtime/sessions", "/api/v1/realtime/ticket"


def session_of(person: Person) -> UUID:
    return read_access_token(person.access).session_id


def ask(api: ApiClient, path: str, body: dict[str, object], secret: str | None = None) -> tuple[int, Any]:
    known = internal_secret() if secret is None else secret
    answer = api.post(path, json=body, headers={"Authorization": f"Bearer {known}"})
    return answer.status_code, answer.json()


def asked(person: Person, session_id: UUID, *channels: str) -> dict[str, object]:
    return {"user_id": str(person.user.pk), "session_id": str(session_id), "channels": list(channels)}


def may(api: ApiClient, person: Person, channel: str) -> bool:
    status, answer = ask(api, SESSIONS, {"sessions": [asked(person, session_of(person), channel)]})
    assert (status, set(answer)) == (200, {"revoked", "ended"})
    return answer == {"revoked": [], "ended": []}


def test_ones_own_channel_and_no_other(api: ApiClient, member: Person, outsider: Person) -> None:
    assert may(api, member, f"user:{member.user.pk}")
    for name in (f"user:{outsider.user.pk}", f"USER:{member.user.pk}", "user:", "", f"thread:{new_id()}", "org:x"):
        assert not may(api, member, name)


def test_an_organizations_channel_is_its_active_members(api: ApiClient, outsider: Person) -> None:
    owner = make_person("Owner")
    org_id = make_organization(owner)
    person, member_id = make_member(org_id)
    channel = f"org:{org_id}"
    assert [may(api, one, channel) for one in (owner, person, outsider)] == [True, True, False]
    deactivate_member(org_id=org_id, actor_id=owner.user.pk, member_id=member_id)
    assert not may(api, person, channel)
    delete_organization(org_id=org_id, actor_id=owner.user.pk)
    assert not may(api, owner, channel)


def test_a_session_that_ended_hears_nothing(api: ApiClient, member: Person) -> None:
    channel = f"user:{member.user.pk}"
    sign_out(token=member.refresh)
    assert not may(api, member, channel)
    other = make_session(member)
    User.objects.filter(pk=member.user.pk).update(is_active=False)
    assert not may(api, other, channel)


def test_a_session_of_somebody_else_opens_nothing(api: ApiClient, member: Person, outsider: Person) -> None:
    body = {"sessions": [asked(member, session_of(outsider), f"user:{member.user.pk}")]}
    assert ask(api, SESSIONS, body) == (200, {"revoked": [str(session_of(outsider))], "ended": []})


def test_a_batch_is_checked_in_two_queries(api: ApiClient) -> None:
    owner = make_person("Owner")
    org_id = make_organization(owner)
    people = [make_member(org_id)[0] for _ in range(5)]
    outsider = make_person("Outsider")
    Session.objects.filter(pk=session_of(people[0])).update(revoked_at="2026-01-01T00:00:00Z")
    sessions = [
        {
            "user_id": str(one.user.pk),
            "session_id": str(session_of(one)),
            "channels": [f"org:{org_id}", f"user:{one.user.pk}"],
        }
        for one in (*people, outsider)
    ]
    with CaptureQueriesContext(connection) as asked:
        status, answer = ask(api, SESSIONS, {"sessions": sessions})
    assert (status, len(asked)) == (200, 2)
    assert answer == {
        "revoked": [str(session_of(people[0]))],
        "ended": [{"user_id": str(outsider.user.pk), "channel": f"org:{org_id}"}],
    }
    assert ask(api, SESSIONS, {"sessions": []}) == (200, {"revoked": [], "ended": []})


def test_nobody_without_the_secret_is_answered(api: ApiClient, member: Person) -> None:
    body: dict[str, object] = {"sessions": []}
    for secret in ("", "wrong", member.access, internal_secret()[:-1]):
        status, answer = ask(api, SESSIONS, body, secret)
        assert (status, answer["error"]["code"]) == (401, "UNAUTHORIZED")
    assert api.post(SESSIONS, json=body).status_code == 401


@pytest.mark.parametrize(
    ("session", "times", "field"),
    [
        ({"user_id": "7", "session_id": new_id()}, 1, "sessions.0.user_id"),
        ({"user_id": new_id(), "session_id": new_id(), "channels": ["x" * 101]}, 1, "sessions.0.channels.0"),
        ({"user_id": new_id(), "session_id": new_id()}, 501, "sessions"),
    ],
)
def test_what_is_not_the_wires_contract_is_422(
    api: ApiClient, db: None, session: dict[str, object], times: int, field: str
) -> None:
    status, answer = ask(api, SESSIONS, {"sessions": [session] * times})
    assert (status, list(answer["error"]["details"]["fields"])) == (422, [field])


def test_an_unregistered_channel_refuses_and_ones_own_cannot_be_registered(api: ApiClient, member: Person) -> None:
    assert not may(api, member, f"post:{new_id()}")
    with pytest.raises(ValueError, match="one's own"):
        register_channel_authoriser("user", frozenset)


def test_the_internal_routes_stand_in_no_public_document(api: ApiClient, db: None) -> None:
    assert "internal/" not in api.get("/api/schema/").text


def test_a_ticket_names_the_caller_and_ends_with_their_token(api: ApiClient, member: Person) -> None:
    answer = api.send_json("POST", TICKET, **member.bearer)
    assert (answer.status, answer.data["expires_in_s"]) == (201, 30)
    claims, token = read_ticket(answer.data["ticket"]), read_access_token(member.access)
    assert (claims.user_id, claims.session_id) == (token.user_id, token.session_id)
    assert claims.expires_at == token.expires_at.replace(microsecond=0)
    again = api.send_json("POST", TICKET, **member.bearer)
    assert read_ticket(again.data["ticket"]).jti != claims.jti
    assert api.send_json("POST", TICKET).status == 401
    # It opens a socket and nothing else.
    assert api.get("/api/v1/users/me", headers={"Authorization": f"Bearer {again.data['ticket']}"}).status_code == 401
