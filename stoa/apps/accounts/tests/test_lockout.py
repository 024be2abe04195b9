"""Guessing is limited by account and by address, in rows, alike for accounts that exist and that do not."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from stoa.apps.accounts.models import Session, SignInAttempt
from stoa.apps.accounts.tests.factories import PASSWORD, Person, make_person
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_id
from stoa.platform.audit.models import AuditRecord
from stoa.platform.sweeps.registry import declared
from stoa.platform.testing.client import ApiClient, Envelope, envelope
from tests.probe.hashers import CheapArgon2

LOGIN = "/api/v1/auth/login"
WRONG, LOCKED, RIGHT = (401, "BAD_CREDENTIALS"), (429, "RATE_LIMITED"), (200, "")


def guess(api: ApiClient, login: str, password: str = "wrong", at: str = "192.0.2.1") -> tuple[int, str]:
    answer = envelope(api.at(at).post(LOGIN, json={"email": login, "password": password}))
    return answer.status, answer.code if answer.status >= 400 else ""


def of_an_address(number: int) -> str:
    return f"192.0.2.{number}"


def pass_by(minutes: float) -> None:
    SignInAttempt.objects.update(at=F("at") - timedelta(minutes=minutes))


@pytest.mark.parametrize("known", [True, False])
def test_the_sixth_guess_from_one_address_is_locked_out(api: ApiClient, member: Person, known: bool) -> None:
    login = member.user.email if known else "nobody@example.org"
    assert [guess(api, login) for _ in range(5)] == [WRONG] * 5
    sessions = Session.objects.count()
    assert [guess(api, login), guess(api, login, PASSWORD)] == [LOCKED, LOCKED]
    assert Session.objects.count() == sessions
    assert SignInAttempt.objects.count() == 5
    assert AuditRecord.objects.filter(action="accounts.sign_in_locked_out", severity="warning").count() == 2
    assert AuditRecord.objects.filter(action="accounts.signed_in").count() == 0
    assert guess(api, login, PASSWORD, at="192.0.2.2") == (RIGHT if known else WRONG)


def test_a_locked_out_answer_is_the_same_for_everybody_and_says_when(api: ApiClient, member: Person) -> None:
    told: list[Envelope] = []
    for login in (member.user.email, "nobody@example.org"):
        for _ in range(5):
            guess(api, login)
        answer = api.at("192.0.2.1").post(LOGIN, json={"email": login, "password": PASSWORD})
        assert 890 <= int(answer.headers["Retry-After"]) <= 900
        told.append(envelope(answer))
    assert told[0].error == told[1].error


def test_email_and_handle_are_one_account(api: ApiClient, member: Person) -> None:
    for number in range(5):
        guess(api, member.user.email.upper() if number % 2 else member.user.handle)
    assert guess(api, member.user.email, PASSWORD) == guess(api, member.user.handle, PASSWORD) == LOCKED


def test_after_fifteen_minutes_there_is_room_again(api: ApiClient, member: Person) -> None:
    for _ in range(5):
        guess(api, member.user.email)
    pass_by(14.9)
    assert guess(api, member.user.email, PASSWORD) == LOCKED
    pass_by(0.2)
    assert guess(api, member.user.email, PASSWORD) == RIGHT


def test_twenty_guesses_from_anywhere_lock_an_account(api: ApiClient, member: Person, outsider: Person) -> None:
    answers = [guess(api, member.user.email, at=of_an_address(number // 5)) for number in range(20)]
    assert answers == [WRONG] * 20
    assert guess(api, member.user.email, PASSWORD, at=of_an_address(99)) == LOCKED
    assert guess(api, outsider.user.email, PASSWORD, at=of_an_address(99)) == RIGHT


def test_fifty_guesses_lock_an_address(api: ApiClient, member: Person) -> None:
    assert {guess(api, f"nobody{number}") for number in range(50)} == {WRONG}
    assert guess(api, member.user.email, PASSWORD) == LOCKED
    assert guess(api, member.user.email, PASSWORD, at="192.0.2.2") == RIGHT


def test_a_success_forgives_its_own_guesses_from_there_and_nothing_else(api: ApiClient, member: Person) -> None:
    other = make_person("Other").user.email
    for login, at in ((member.user.email, "192.0.2.1"), (member.user.email, "192.0.2.2"), (other, "192.0.2.1")):
        assert [guess(api, login, at=at) for _ in range(4)] == [WRONG] * 4
    assert guess(api, member.user.email, PASSWORD) == RIGHT
    assert SignInAttempt.objects.filter(counts=True).count() == 12
    assert [guess(api, member.user.email) for _ in range(6)] == [*[WRONG] * 5, LOCKED]
    assert [guess(api, member.user.email, at="192.0.2.2") for _ in range(2)] == [WRONG, LOCKED]
    assert [guess(api, other) for _ in range(2)] == [WRONG, LOCKED]


def test_signing_in_often_locks_nobody_out(api: ApiClient, member: Person) -> None:
    assert {guess(api, member.user.email, PASSWORD) for _ in range(52)} == {RIGHT}


def test_a_forged_header_is_no_other_address(api: ApiClient, member: Person) -> None:
    body = {"email": member.user.email, "password": "wrong"}

    def forged(number: int) -> Envelope:
        headers = {"X-Forwarded-For": of_an_address(number)}
        return envelope(api.at("192.0.2.1").post(LOGIN, json=body, headers=headers))

    answers = [forged(number) for number in range(6)]
    assert [(answer.status, answer.code) for answer in answers] == [*[WRONG] * 5, LOCKED]


def test_locked_out_no_password_is_looked_at(api: ApiClient, member: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []
    verify = CheapArgon2.verify

    def counted(self: CheapArgon2, password: str, encoded: str) -> bool:
        verified.append(encoded)
        return verify(self, password, encoded)

    monkeypatch.setattr(CheapArgon2, "verify", counted)
    counts = []
    for login in (member.user.email, "nobody@example.org"):
        for _ in range(6):
            verified.clear()
            guess(api, login)
            counts.append(len(verified))
    assert counts == [1, 1, 1, 1, 1, 0] * 2


def test_no_row_tells_who_was_named_or_what_was_typed(api: ApiClient, member: Person) -> None:
    for login in (member.user.email, "nobody@example.org"):
        guess(api, login, "my-secret")
    [first, second] = SignInAttempt.objects.values_list("account", "address")
    assert first[0] != second[0]
    assert "@" not in f"{first}{second}"
    assert str(member.user.pk) not in f"{first}{second}"


def statements(queries: CaptureQueriesContext) -> list[str]:
    words = [query["sql"].split()[0] for query in queries.captured_queries]
    return [word for word in words if word in {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}]


def test_the_queries_of_a_sign_in_are_counted(api: ApiClient, member: Person) -> None:
    guess(api, member.user.email, PASSWORD)
    on_postgres = connection.vendor == "postgresql"
    audit = ["WITH"] if on_postgres else ["INSERT"] * 3
    lock = ["SELECT"] if on_postgres else []
    with CaptureQueriesContext(connection) as right:
        assert guess(api, member.user.email, PASSWORD) == RIGHT
    with CaptureQueriesContext(connection) as wrong:
        assert guess(api, member.user.email) == WRONG
    with CaptureQueriesContext(connection) as unknown:
        assert guess(api, "nobody@example.org") == WRONG
    started = ["SELECT", *lock, "INSERT"]
    # An authenticator asked after, the person's row locked, the session, the trail, guesses forgiven.
    assert statements(right) == [*started, "SELECT", "SELECT", "INSERT", *audit, "UPDATE"]
    assert statements(wrong) == statements(unknown) == [*started, *audit]


def test_the_sweep_forgets_what_is_past_the_window(db: None) -> None:
    def at(minutes: float) -> int:
        then = utc_now() - timedelta(minutes=minutes)
        return int(SignInAttempt.objects.create(at=then, account=new_id(), address="").pk)

    kept, gone = {at(0), at(14.9)}, [at(15.1), at(20), at(99)]
    run = declared()["accounts.old_attempts"].run
    assert run(2) == 2
    assert set(SignInAttempt.objects.values_list("pk", flat=True)) == kept | {gone[0]}
    assert [run(2), run(2)] == [1, 0]
