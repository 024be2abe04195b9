"""Signing in, refreshing, signing out, and the list of sessions."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stoa.apps.accounts.models import Session, User
from stoa.apps.accounts.services.demo import DEMO_PEOPLE, seed_people
from stoa.apps.accounts.tests.factories import PASSWORD, Person, make_person
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_id
from stoa.platform.testing.client import ApiClient, Envelope
from stoa.runtime.config import current
from stoa.runtime.pause_points import arm, disarm
from tests.probe.hashers import CheapArgon2

LOGIN, REFRESH, LOGOUT, SESSIONS, ME = (
    f"/api/v1/{path}" for path in ("auth/login", "auth/refresh", "auth/logout", "auth/sessions", "users/me")
)
BAD_CREDENTIALS, REFUSED = (401, "BAD_CREDENTIALS"), (401, "REFRESH_REFUSED")


def login(api: ApiClient, login: str, password: str = PASSWORD) -> Envelope:
    return api.send_json("POST", LOGIN, {"email": login, "password": password})


def refresh(api: ApiClient, token: str) -> Envelope:
    return api.send_json("POST", REFRESH, {"refresh": token})


def said(answer: Envelope) -> tuple[int, str]:
    return answer.status, answer.code


@pytest.fixture
def demo_data() -> Iterator[Callable[[bool], None]]:
    """Demo data on or off, by the configuration's own seam."""
    chosen = current.loaded()

    def switch(on: bool) -> None:
        current.use(type(chosen)(chosen.settings.model_copy(update={"demo_data": on}), chosen.origins))

    yield switch
    current.use(chosen)


@pytest.mark.parametrize("change", [str, str.upper, str.title, lambda text: f" {text} "])
@pytest.mark.parametrize("name", ["email", "handle"])
def test_by_email_or_handle_in_any_case(
    api: ApiClient, member: Person, name: str, change: Callable[[str], str]
) -> None:
    answer = login(api, change(getattr(member.user, name)))
    assert answer.status == 200
    assert answer.data["user"]["id"] == str(member.user.pk)
    assert api.bearer(answer.data["access"]).read(ME).status == 200


def test_one_answer_for_an_unknown_a_wrong_a_disabled_and_a_nameless_one(api: ApiClient, member: Person) -> None:
    gone = make_person("Gone", is_active=False)
    answers = [
        login(api, "nobody@example.org"),
        login(api, "nobody"),
        login(api, member.user.email, "wrong"),
        login(api, member.user.handle, PASSWORD + " "),
        login(api, gone.user.email),
        login(api, "%"),
    ]
    assert {said(answer) for answer in answers} == {BAD_CREDENTIALS}
    assert len({str(answer.error) for answer in answers}) == 1
    assert Session.objects.filter(user=member.user).count() == 1


def test_the_work_of_a_password_is_done_for_an_unknown_one_too(
    api: ApiClient, member: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: a clock on a busy machine proves nothing. The hasher is the suite's own."""
    login(api, "warm up, so that the hash nobody has is made")
    verified: list[str] = []
    verify = CheapArgon2.verify

    def counted(self: CheapArgon2, password: str, encoded: str) -> bool:
        verified.append(encoded.split("$")[2])
        return verify(self, password, encoded)

    monkeypatch.setattr(CheapArgon2, "verify", counted)
    counts = []
    for name in (member.user.email, "nobody@example.org", "nobody"):
        verified.clear()
        login(api, name, "wrong")
        counts.append(list(verified))
    assert [len(one) for one in counts] == [1, 1, 1]


def test_a_password_changed_while_the_old_one_was_checked_signs_nobody_in(api: ApiClient, member: Person) -> None:
    """Who changed it ended the sessions there were, and would not have seen this one."""

    def change() -> bool:
        User.objects.filter(pk=member.user.pk).update(password="another")
        return False

    arm("accounts.before_admit", change)
    try:
        assert said(login(api, member.user.email)) == BAD_CREDENTIALS
    finally:
        disarm("accounts.before_admit")
    assert Session.objects.filter(user=member.user).count() == 1


@pytest.mark.parametrize("body", [{}, {"email": "x"}, {"password": "x"}, {"email": [], "password": "x"}])
def test_an_incomplete_sign_in_is_invalid(api: ApiClient, db: None, body: dict[str, object]) -> None:
    assert said(api.send_json("POST", LOGIN, body)) == (422, "VALIDATION_ERROR")


def test_a_refresh_token_gives_the_next_pair_once(api: ApiClient, member: Person) -> None:
    answer = refresh(api, member.refresh)
    assert answer.status == 200
    assert set(answer.data) == {"access", "refresh"}
    assert answer.data["refresh"] != member.refresh
    assert api.bearer(answer.data["access"]).read(ME).status == 200
    assert refresh(api, answer.data["refresh"]).status == 200
    assert Session.objects.filter(user=member.user).count() == 1


def test_refreshing_needs_no_valid_access_token(api: ApiClient, member: Person) -> None:
    assert refresh(api.bearer("ran.out.long-ago"), member.refresh).status == 200


@pytest.mark.parametrize("rotations", [1, 3])
def test_a_spent_refresh_token_sent_again_ends_the_session(api: ApiClient, member: Person, rotations: int) -> None:
    fresh = {"refresh": member.refresh}
    for _ in range(rotations):
        fresh = refresh(api, fresh["refresh"]).data
    assert api.bearer(fresh["access"]).read(ME).status == 200
    assert said(refresh(api, member.refresh)) == REFUSED
    assert said(refresh(api, fresh["refresh"])) == REFUSED
    assert api.bearer(fresh["access"]).read(ME).status == 401
    assert api.bearer(member.access).read(ME).status == 401


def test_a_token_that_never_was_ours_ends_nothing(api: ApiClient, member: Person) -> None:
    session, family, secret = member.refresh.split(".")
    forgeries = [
        f"{session}.{'x' * 22}.{secret}",
        f"{session}.{'x' * 22}.{'x' * 43}",
        f"{new_id()}.{family}.{secret}",
        f"{session}.{secret}",
        f"{session}..{secret}",
        f"{session}.{family}",
        f"{session}.{family}.",
        session,
        f"{session}.",
        f".{secret}",
        "x",
        member.access,
    ]
    assert {said(refresh(api, forged[:200])) for forged in forgeries} == {REFUSED}
    assert refresh(api, member.refresh).status == 200


def test_an_expired_session_is_not_refreshed(api: ApiClient, member: Person) -> None:
    Session.objects.filter(user=member.user).update(expires_at=utc_now() - timedelta(seconds=1))
    assert said(refresh(api, member.refresh)) == REFUSED


def test_each_refresh_gives_the_session_its_whole_life_again(api: ApiClient, member: Person) -> None:
    Session.objects.filter(user=member.user).update(expires_at=utc_now() + timedelta(minutes=1))
    refresh(api, member.refresh)
    left = Session.objects.get(user=member.user).expires_at - utc_now()
    assert timedelta(days=7) - timedelta(minutes=1) < left <= timedelta(days=7)


def test_a_disabled_person_refreshes_nothing_and_the_token_is_not_spent(api: ApiClient, member: Person) -> None:
    User.objects.filter(pk=member.user.pk).update(is_active=False)
    assert said(refresh(api, member.refresh)) == REFUSED
    User.objects.filter(pk=member.user.pk).update(is_active=True)
    assert refresh(api, member.refresh).status == 200


def test_signing_out_ends_access_and_refresh_and_may_be_repeated(api: ApiClient, member: Person) -> None:
    other = login(api, member.user.email).data
    for _ in range(2):
        answer = api.send_json("POST", LOGOUT, {"refresh": member.refresh})
        assert (answer.status, answer.data) == (200, {"signed_out": True})
    assert api.bearer(member.access).read(ME).status == 401
    assert said(refresh(api, member.refresh)) == REFUSED
    assert api.bearer(other["access"]).read(ME).status == 200


def test_signing_out_with_a_spent_token_is_signing_out(api: ApiClient, member: Person) -> None:
    fresh = refresh(api, member.refresh).data
    assert api.send_json("POST", LOGOUT, {"refresh": member.refresh}).status == 200
    assert api.bearer(fresh["access"]).read(ME).status == 401


@pytest.mark.parametrize("token", ["x", "x.y", "0198f3a0-7c1e-7d3a-9a55-2f7d3c1b9e10.family.secret"])
def test_signing_out_with_a_strange_token_tells_nothing(api: ApiClient, member: Person, token: str) -> None:
    assert api.send_json("POST", LOGOUT, {"refresh": token}).status == 200
    session = member.refresh.partition(".")[0]
    assert api.send_json("POST", LOGOUT, {"refresh": f"{session}.family.guess"}).status == 200
    assert api.bearer(member.access).read(ME).status == 200


def test_signing_out_everywhere_ends_all_of_ones_own(api: ApiClient, member: Person, outsider: Person) -> None:
    other = login(api, member.user.email).data
    assert api.bearer(other["access"]).send_json("POST", f"{LOGOUT}-all").data == {"signed_out": True}
    for access, token in ((member.access, member.refresh), (other["access"], other["refresh"])):
        assert api.bearer(access).read(ME).status == 401
        assert said(refresh(api, token)) == REFUSED
    assert api.bearer(outsider.access).read(ME).status == 200


def test_the_list_shows_ones_own_live_sessions(api: ApiClient, member: Person, outsider: Person) -> None:
    agent = {"User-Agent": "A browser " + "x" * 300}
    api.post(LOGIN, json={"email": member.user.email, "password": PASSWORD}, headers=agent)
    ended = login(api, member.user.email).data["refresh"]
    api.send_json("POST", LOGOUT, {"refresh": ended})
    with CaptureQueriesContext(connection) as queries:
        answer = api.bearer(member.access).read(SESSIONS)
    assert len(queries) == 2
    keys = {"id", "created_at", "last_used_at", "expires_at", "agent", "address", "current"}
    assert [set(row) for row in answer.data] == [keys, keys]
    assert [row["current"] for row in answer.data] == [False, True]
    assert answer.data[0]["agent"] == agent["User-Agent"][:200]
    assert answer.data[0]["address"] == "127.0.0.1"
    assert len(api.bearer(outsider.access).read(SESSIONS).data) == 1


def test_ending_a_session_of_ones_own(api: ApiClient, member: Person) -> None:
    other = login(api, member.user.email).data
    caller = api.bearer(member.access)
    [session] = [row["id"] for row in caller.read(SESSIONS).data if not row["current"]]
    assert caller.send_json("DELETE", f"{SESSIONS}/{session}").data == {"signed_out": True}
    assert api.bearer(other["access"]).read(ME).status == 401
    assert said(refresh(api, other["refresh"])) == REFUSED
    assert said(caller.send_json("DELETE", f"{SESSIONS}/{session}")) == (404, "NOT_FOUND")


def test_anothers_session_is_not_there(api: ApiClient, member: Person, outsider: Person) -> None:
    session = member.refresh.partition(".")[0]
    for address in (f"{SESSIONS}/{session}", f"{SESSIONS}/{new_id()}", f"{SESSIONS}/x"):
        assert said(api.bearer(outsider.access).send_json("DELETE", address)) == (404, "NOT_FOUND")
    assert api.bearer(member.access).read(ME).status == 200


def test_demo_people_sign_in_only_while_demo_data_is_on(
    api: ApiClient, db: None, demo_data: Callable[[bool], None]
) -> None:
    seed_people()
    person = DEMO_PEOPLE[0]
    signed_in = login(api, person.email, person.password).data
    assert api.bearer(signed_in["access"]).read(ME).status == 200
    demo_data(False)
    assert said(login(api, person.email, person.password)) == BAD_CREDENTIALS
    assert said(login(api, person.handle, person.password)) == BAD_CREDENTIALS
    assert api.bearer(signed_in["access"]).read(ME).status == 401
    assert said(refresh(api, signed_in["refresh"])) == REFUSED
