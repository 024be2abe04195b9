"""Who may use a route: each kind of access, and every token that does not sign anybody in."""

import hmac
from datetime import timedelta

import jwt
import pytest

from stoa.apps.accounts.models import Session, User
from stoa.apps.accounts.tests.factories import Person, make_person
from stoa.apps.organizations.tests.factories import allow, make_organization
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_id
from stoa.platform.testing.client import ApiClient, Envelope
from stoa.runtime.config import current
from stoa.runtime.tokens import make_access_token
from tests.probe.models import Note

PUBLIC, SIGNED_IN, STAFF, ORG, INTERNAL = (
    f"/api/v1/probe/{name}" for name in ("fail", "notes", "table", "org", "internal")
)
OK, UNAUTHORIZED, FORBIDDEN = (200, ""), (401, "UNAUTHORIZED"), (403, "FORBIDDEN")


def said(answer: Envelope) -> tuple[int, str]:
    return answer.status, answer.code


def test_nobody_reaches_only_what_is_public(api: ApiClient, db: None) -> None:
    assert [said(api.read(path)) for path in (PUBLIC, SIGNED_IN, STAFF, ORG, INTERNAL)] == [OK] + [UNAUTHORIZED] * 4


def test_a_member_reaches_what_is_for_the_signed_in(api: ApiClient, member: Person) -> None:
    caller = api.bearer(member.access)
    expected = [OK, OK, FORBIDDEN, FORBIDDEN, UNAUTHORIZED]
    assert [said(caller.read(path)) for path in (PUBLIC, SIGNED_IN, STAFF, ORG, INTERNAL)] == expected


def test_a_superuser_is_staff_but_stands_in_no_organization_and_is_no_process(api: ApiClient, staff: Person) -> None:
    caller = api.bearer(staff.access)
    assert [said(caller.read(path)) for path in (STAFF, ORG, INTERNAL)] == [OK, FORBIDDEN, UNAUTHORIZED]


def test_staff_without_the_permission_is_refused(api: ApiClient, db: None) -> None:
    helper = make_person("Helper", is_staff=True)
    assert said(api.bearer(helper.access).read(STAFF)) == FORBIDDEN


@pytest.mark.parametrize(
    ("is_staff", "permissions", "expected"),
    [
        (True, {"probe:read"}, OK),
        (True, {"probe:write", "probe", "read"}, FORBIDDEN),
        (False, {"probe:read"}, FORBIDDEN),
    ],
)
def test_a_staff_route_asks_for_its_own_permission(
    api: ApiClient, db: None, is_staff: bool, permissions: set[str], expected: tuple[int, str]
) -> None:
    helper = make_person("Helper", is_staff=is_staff, staff_permissions=sorted(permissions))
    assert said(api.bearer(helper.access).read(STAFF)) == expected


def test_a_superuser_who_is_not_staff_is_refused(api: ApiClient, db: None) -> None:
    odd = make_person("Odd", is_superuser=True)
    assert said(api.bearer(odd.access).read(STAFF)) == FORBIDDEN


def test_not_yours_is_not_there(api: ApiClient, member: Person, outsider: Person, staff: Person) -> None:
    note = Note.objects.create(title="mine", owner_id=member.user.pk)
    address = f"/api/v1/probe/notes/{note.pk}"
    assert said(api.bearer(member.access).read(address)) == OK
    for other in (outsider, staff):
        assert said(api.bearer(other.access).read(address)) == (404, "NOT_FOUND")
        assert said(api.bearer(other.access).send_json("PATCH", address, {"title": "x"})) == (404, "NOT_FOUND")
    assert api.bearer(outsider.access).read(SIGNED_IN).data == []
    note.refresh_from_db()
    assert note.title == "mine"


def test_a_refusal_asks_for_a_bearer_token(api: ApiClient, db: None) -> None:
    assert api.get(SIGNED_IN).headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer a.b.c",
        "Basic dXNlcjpwYXNz",
        "Token abc",
        "Bearer " + "a" * 5000,
        "Bearer a b",
        "x",
    ],
)
def test_a_bad_header_signs_nobody_in(api: ApiClient, db: None, header: str) -> None:
    response = api.get(SIGNED_IN, headers={"Authorization": header})
    assert response.status_code == 401


@pytest.mark.parametrize("header", ["Bearer x", "Basic dXNlcjpwYXNz", "Bearer a.b.c", "x"])
def test_a_bad_token_does_not_close_what_is_public(api: ApiClient, db: None, header: str) -> None:
    """A client whose token has run out must still be able to sign in with that header on."""
    assert api.get(PUBLIC, headers={"Authorization": header}).status_code == 200


def test_the_scheme_is_read_in_any_case(api: ApiClient, member: Person) -> None:
    assert api.get(SIGNED_IN, headers={"Authorization": f"bearer {member.access}"}).status_code == 200


def test_a_refresh_token_is_no_access_token(api: ApiClient, member: Person) -> None:
    assert said(api.bearer(member.refresh).read(SIGNED_IN)) == UNAUTHORIZED
    assert said(api.bearer(member.refresh.partition(".")[2]).read(SIGNED_IN)) == UNAUTHORIZED


def session_of(person: Person) -> Session:
    return Session.objects.get(user=person.user)


def token_of(person: Person, **changes: object) -> str:
    """This person's token with other claims, rightly signed."""
    header = jwt.get_unverified_header(person.access)
    claims = jwt.decode(person.access, options={"verify_signature": False}) | changes
    secret = current.settings().django_secret_key.get_secret_value().encode()
    derived = hmac.digest(secret, b"stoa access tokens", "sha256").hex()
    return jwt.encode(claims, derived, algorithm="HS256", headers=header)


def test_a_token_signed_by_hand_is_taken_so_the_refusals_below_mean_something(api: ApiClient, member: Person) -> None:
    assert said(api.bearer(token_of(member)).read(SIGNED_IN)) == OK


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1_700_000_000},
        {"iss": "another"},
        {"aud": "another"},
        {"typ": "refresh"},
        {"sid": new_id()},
        {"sub": new_id()},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_claim_signs_nobody_in(api: ApiClient, member: Person, changes: dict[str, object]) -> None:
    assert said(api.bearer(token_of(member, **changes)).read(SIGNED_IN)) == UNAUTHORIZED


def test_a_session_of_one_person_does_not_carry_anothers_name(api: ApiClient, member: Person, outsider: Person) -> None:
    mixed = make_access_token(user_id=outsider.user.pk, session_id=session_of(member).pk)
    assert said(api.bearer(mixed).read(SIGNED_IN)) == UNAUTHORIZED


def test_a_token_that_has_run_out_is_refused(api: ApiClient, member: Person) -> None:
    issued = utc_now() - timedelta(minutes=15, seconds=1)
    old = make_access_token(user_id=member.user.pk, session_id=session_of(member).pk, now=issued)
    assert said(api.bearer(old).read(SIGNED_IN)) == UNAUTHORIZED


@pytest.mark.parametrize("ended", [{"revoked_at": utc_now()}, {"expires_at": utc_now() - timedelta(seconds=1)}])
def test_the_end_of_a_session_ends_its_tokens_at_once(api: ApiClient, member: Person, ended: dict[str, object]) -> None:
    assert said(api.bearer(member.access).read(SIGNED_IN)) == OK
    Session.objects.filter(user=member.user).update(**ended)
    assert said(api.bearer(member.access).read(SIGNED_IN)) == UNAUTHORIZED


def test_a_disabled_person_is_out_at_once(api: ApiClient, member: Person) -> None:
    User.objects.filter(pk=member.user.pk).update(is_active=False)
    assert said(api.bearer(member.access).read(SIGNED_IN)) == UNAUTHORIZED


def test_a_role_that_was_taken_away_is_gone_at_once(api: ApiClient, staff: Person) -> None:
    assert said(api.bearer(staff.access).read(STAFF)) == OK
    User.objects.filter(pk=staff.user.pk).update(is_staff=False)
    assert said(api.bearer(staff.access).read(STAFF)) == FORBIDDEN


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Org-Id": "0198f3a0-7c1e-7d3a-9a55-2f7d3c1b9e10"}, 404),
        ({"X-Org-Id": "x"}, 404),
        ({"X-Org-Id": "../1"}, 404),
        ({}, 403),
    ],
)
def test_an_organization_nobody_knows_is_not_there_and_none_is_none(
    api: ApiClient, outsider: Person, headers: dict[str, str], expected: int
) -> None:
    assert api.get(ORG, headers={**outsider.bearer, **headers}).status_code == expected


def test_the_only_organization_need_not_be_named(api: ApiClient, member: Person) -> None:
    org_id = make_organization(member)
    allow(org_id, member, "probe:read")
    for headers in ({}, {"X-Org-Id": str(org_id)}):
        assert api.get(ORG, headers={**member.bearer, **headers}).status_code == 200


def test_a_refused_caller_learns_nothing_of_the_body_it_sent(api: ApiClient, db: None) -> None:
    """Access comes before reading: who may not write is not told what would have been valid."""
    assert said(api.send_json("POST", "/api/v1/probe/notes", {"wrong": 1})) == UNAUTHORIZED
