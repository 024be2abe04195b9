"""An authenticator app, recovery codes, and the second step of a sign-in."""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pyotp
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stoa.apps.accounts.errors import MfaRequired
from stoa.apps.accounts.models import RecoveryCode, SecondStep, Session, SignInAttempt, TotpDevice, User
from stoa.apps.accounts.services.codes import STEP_S
from stoa.apps.accounts.services.sessions import Device, finish_sign_in
from stoa.apps.accounts.tests.factories import PASSWORD, Person
from stoa.kit.clock import utc_now
from stoa.platform.audit.models import AuditRecord
from stoa.platform.outbox.models import OutboxEvent
from stoa.platform.sweeps.registry import declared
from stoa.platform.testing.client import ApiClient, Envelope
from stoa.runtime.pause_points import arm, disarm

MFA, TOTP, CONFIRM, CODES, VERIFY, LOGIN, ME = (
    f"/api/v1/{path}"
    for path in (
        *("auth/mfa", "auth/mfa/totp", "auth/mfa/totp/confirm", "auth/mfa/recovery-codes", "auth/mfa/verify"),
        *("auth/login", "users/me"),
    )
)
REFUSED, LOCKED = (401, "MFA_REFUSED"), (429, "RATE_LIMITED")
SHOWN = {"password": PASSWORD}


def said(answer: Envelope) -> tuple[int, str]:
    return answer.status, answer.code


def code_of(secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(utc_now(), counter_offset=steps)


def wrong_code(secret: str) -> str:
    near = {code_of(secret, steps) for steps in range(-2, 4)}
    return next(code for code in map("{:06d}".format, count()) if code not in near)


class Enrolled:
    """Somebody whose authenticator is on, with no code spent."""

    def __init__(self, api: ApiClient, person: Person) -> None:
        self.api, self.person = api, person
        caller = api.bearer(person.access)
        self.secret = caller.send_json("POST", TOTP, SHOWN).data["secret"]
        confirmed = caller.send_json("POST", CONFIRM, {"code": code_of(self.secret)})
        assert confirmed.status == 200
        self.codes: list[str] = confirmed.data["recovery_codes"]
        TotpDevice.objects.filter(user=person.user).update(last_step=0)

    def login(self) -> str:
        answer = self.api.send_json("POST", LOGIN, {"email": self.person.user.email, **SHOWN})
        assert said(answer) == (401, "MFA_REQUIRED")
        [(name, token)] = (answer.error or {})["details"].items()
        assert name == "mfa_token"
        return str(token)

    def verify(self, token: str, **answer: str) -> Envelope:
        return self.api.send_json("POST", VERIFY, {"mfa_token": token, **answer})


@pytest.fixture
def enrolled(api: ApiClient, member: Person) -> Enrolled:
    return Enrolled(api, member)


def told(action: str) -> list[Any]:
    rows = AuditRecord.objects.filter(action=action).select_related("detail").order_by("id")
    return [json.loads(row.detail.payload).get("after") for row in rows]


def test_adding_asks_the_password_and_changes_nothing_until_confirmed(api: ApiClient, member: Person) -> None:
    caller = api.bearer(member.access)
    assert said(caller.send_json("POST", TOTP, {"password": "wrong"})) == (403, "WRONG_PASSWORD")
    assert TotpDevice.objects.count() == 0
    added = caller.send_json("POST", TOTP, SHOWN)
    assert set(added.data) == {"secret", "otpauth_uri"}
    assert added.data["otpauth_uri"].startswith("otpauth://totp/Stoa:")
    assert pyotp.parse_uri(added.data["otpauth_uri"]).secret == added.data["secret"]
    assert caller.read(MFA).data == {"totp": False, "totp_since": None, "recovery_codes_left": 0}
    assert api.send_json("POST", LOGIN, {"email": member.user.email, **SHOWN}).status == 200


def test_confirming(api: ApiClient, member: Person) -> None:
    caller = api.bearer(member.access)
    assert said(caller.send_json("POST", CONFIRM, {"code": "123456"})) == (409, "TOTP_OFF")
    secret = caller.send_json("POST", TOTP, SHOWN).data["secret"]
    assert said(caller.send_json("POST", CONFIRM, {"code": wrong_code(secret)})) == (403, "WRONG_CODE")
    assert RecoveryCode.objects.count() == 0
    codes = caller.send_json("POST", CONFIRM, {"code": code_of(secret)}).data["recovery_codes"]
    assert len(set(codes)) == RecoveryCode.objects.count() == 10
    state = caller.read(MFA).data
    assert (state["totp"], state["recovery_codes_left"]) == (True, 10)
    assert state["totp_since"] is not None
    assert said(caller.send_json("POST", CONFIRM, {"code": code_of(secret, 1)})) == (409, "TOTP_ON")
    assert said(caller.send_json("POST", TOTP, SHOWN)) == (409, "TOTP_ON")


def test_a_second_enrolment_replaces_one_not_confirmed(api: ApiClient, member: Person) -> None:
    caller = api.bearer(member.access)
    first, second = (caller.send_json("POST", TOTP, SHOWN).data["secret"] for _ in range(2))
    assert said(caller.send_json("POST", CONFIRM, {"code": code_of(first)})) == (403, "WRONG_CODE")
    assert caller.send_json("POST", CONFIRM, {"code": code_of(second)}).status == 200


def test_secrets_lie_encrypted_or_hashed(enrolled: Enrolled) -> None:
    token = enrolled.login()
    with connection.cursor() as cursor:
        stored = ""
        for table in ("accounts_totp_device", "accounts_recovery_code", "accounts_second_step"):
            cursor.execute(f"SELECT * FROM {table}")
            stored += str(cursor.fetchall())
    for secret in (enrolled.secret, token.partition(".")[2], *enrolled.codes):
        assert secret not in stored
        assert secret.replace("-", "") not in stored


def test_signing_in_takes_two_steps(enrolled: Enrolled) -> None:
    sessions = Session.objects.count()
    token = enrolled.login()
    assert Session.objects.count() == sessions
    answer = enrolled.verify(token, code=code_of(enrolled.secret))
    assert (answer.status, set(answer.data)) == (200, {"user", "access", "refresh"})
    assert enrolled.api.bearer(answer.data["access"]).read(ME).status == 200
    assert said(enrolled.verify(token, code=code_of(enrolled.secret, 1))) == REFUSED
    assert told("accounts.signed_in") == [{"way": "password+totp"}]
    assert SignInAttempt.objects.filter(counts=True).count() == 0


def test_a_password_changed_while_the_old_one_was_checked_asks_for_no_second_step(enrolled: Enrolled) -> None:
    """Whoever changed it voided the steps there were, and would not have seen this one."""

    def change() -> bool:
        User.objects.filter(pk=enrolled.person.user.pk).update(password="another")
        return False

    arm("accounts.before_second_step", change)
    try:
        answer = enrolled.api.send_json(
            "POST", "/api/v1/auth/login", {"email": enrolled.person.user.email, "password": PASSWORD}
        )
    finally:
        disarm("accounts.before_second_step")
    assert (answer.status, answer.code) == (401, "BAD_CREDENTIALS")
    assert SecondStep.objects.count() == 0


def test_a_code_works_once_and_none_older_than_it(enrolled: Enrolled) -> None:
    assert enrolled.verify(enrolled.login(), code=code_of(enrolled.secret)).status == 200
    assert said(enrolled.verify(enrolled.login(), code=code_of(enrolled.secret))) == REFUSED
    assert said(enrolled.verify(enrolled.login(), code=code_of(enrolled.secret, -1))) == REFUSED
    assert enrolled.verify(enrolled.login(), code=code_of(enrolled.secret, 1)).status == 200


def test_the_code_of_the_confirmation_is_spent(api: ApiClient, member: Person) -> None:
    caller = api.bearer(member.access)
    secret = caller.send_json("POST", TOTP, SHOWN).data["secret"]
    code = code_of(secret)
    assert caller.send_json("POST", CONFIRM, {"code": code}).status == 200
    answer = api.send_json("POST", LOGIN, {"email": member.user.email, **SHOWN})
    token = (answer.error or {})["details"]["mfa_token"]
    assert said(api.send_json("POST", VERIFY, {"mfa_token": token, "code": code})) == REFUSED


@pytest.mark.parametrize("typed", [str, str.upper, lambda code: code.replace("-", " "), lambda code: f" {code} "])
def test_a_recovery_code_works_once_however_it_is_typed(enrolled: Enrolled, typed: Callable[[str], str]) -> None:
    code = typed(enrolled.codes[3])
    assert enrolled.verify(enrolled.login(), recovery_code=code).status == 200
    assert said(enrolled.verify(enrolled.login(), recovery_code=code)) == REFUSED
    assert enrolled.api.bearer(enrolled.person.access).read(MFA).data["recovery_codes_left"] == 9
    assert told("accounts.signed_in") == [{"way": "password+recovery_code"}]


def test_five_tries_burn_the_token_and_lock_the_account(enrolled: Enrolled) -> None:
    token, wrong = enrolled.login(), wrong_code(enrolled.secret)
    assert [said(enrolled.verify(token, code=wrong)) for _ in range(5)] == [REFUSED] * 5
    answer = enrolled.verify(token, code=code_of(enrolled.secret))
    assert said(answer) == LOCKED
    assert said(enrolled.api.send_json("POST", LOGIN, {"email": enrolled.person.user.email, **SHOWN})) == LOCKED
    SignInAttempt.objects.all().delete()
    assert said(enrolled.verify(token, code=code_of(enrolled.secret))) == REFUSED
    assert enrolled.verify(enrolled.login(), code=code_of(enrolled.secret)).status == 200


def test_the_password_again_and_again_wins_no_more_guesses_of_codes(enrolled: Enrolled) -> None:
    wrong = wrong_code(enrolled.secret)
    for _ in range(5):
        assert said(enrolled.verify(enrolled.login(), code=wrong)) == REFUSED
    assert said(enrolled.api.send_json("POST", LOGIN, {"email": enrolled.person.user.email, **SHOWN})) == LOCKED


def test_a_token_lives_five_minutes(enrolled: Enrolled) -> None:
    token = enrolled.login()
    SecondStep.objects.update(expires_at=utc_now() - timedelta(seconds=1))
    assert said(enrolled.verify(token, code=code_of(enrolled.secret))) == REFUSED
    lives = SecondStep.objects.get().expires_at
    enrolled.login()
    assert (
        timedelta(minutes=4.9) < SecondStep.objects.latest("expires_at").expires_at - utc_now() <= timedelta(minutes=5)
    )
    assert declared()["accounts.old_steps"].run(10) == 1
    assert not SecondStep.objects.filter(expires_at=lives).exists()


def test_a_token_that_is_none_of_ours_is_refused_and_counts_for_nobody(enrolled: Enrolled) -> None:
    number, _, secret = enrolled.login().partition(".")
    for token in (number, f"{number}.", f"{number}.x", f".{secret}", "x", enrolled.person.access[:200]):
        assert said(enrolled.verify(token, code=code_of(enrolled.secret))) == REFUSED
    assert SignInAttempt.objects.filter(counts=True).count() == 0


@pytest.mark.parametrize("answer", [{}, {"code": "1", "recovery_code": "x"}, {"code": ""}, {"code": 123456}])
def test_an_answer_is_one_of_two(api: ApiClient, db: None, answer: dict[str, object]) -> None:
    assert said(api.send_json("POST", VERIFY, {"mfa_token": "x", **answer})) == (422, "VALIDATION_ERROR")


@pytest.mark.parametrize("code", ["abc", "12345", "\u0661\u0662\u0663\u0664\u0665\u0666", "1234567", "é"])
def test_what_is_no_code_is_refused(enrolled: Enrolled, code: str) -> None:
    token = enrolled.login()
    assert said(enrolled.verify(token, code=code)) == REFUSED
    assert said(enrolled.verify(token, recovery_code=code)) == REFUSED


def test_somebody_disabled_between_the_steps_is_refused(enrolled: Enrolled) -> None:
    token, user = enrolled.login(), enrolled.person.user
    user.is_active = False
    user.save()
    sessions = Session.objects.count()
    assert said(enrolled.verify(token, code=code_of(enrolled.secret))) == (401, "BAD_CREDENTIALS")
    assert Session.objects.count() == sessions


def test_removing_asks_the_password_and_may_be_repeated(enrolled: Enrolled) -> None:
    caller, token = enrolled.api.bearer(enrolled.person.access), enrolled.login()
    assert said(caller.send_json("DELETE", TOTP, {"password": "wrong"})) == (403, "WRONG_PASSWORD")
    assert caller.read(MFA).data["totp"] is True
    for _ in range(2):
        answer = caller.send_json("DELETE", TOTP, SHOWN)
        assert answer.data == {"totp": False, "totp_since": None, "recovery_codes_left": 0}
    assert len(AuditRecord.objects.filter(action="accounts.totp_removed")) == 1
    assert said(enrolled.verify(token, code=code_of(enrolled.secret))) == REFUSED
    assert enrolled.api.send_json("POST", LOGIN, {"email": enrolled.person.user.email, **SHOWN}).status == 200


def test_new_recovery_codes_replace_the_old(enrolled: Enrolled) -> None:
    caller = enrolled.api.bearer(enrolled.person.access)
    assert said(caller.send_json("POST", CODES, {"password": "wrong"})) == (403, "WRONG_PASSWORD")
    fresh = caller.send_json("POST", CODES, SHOWN).data["recovery_codes"]
    assert (len(set(fresh)), set(fresh) & set(enrolled.codes)) == (10, set())
    assert said(enrolled.verify(enrolled.login(), recovery_code=enrolled.codes[0])) == REFUSED
    assert enrolled.verify(enrolled.login(), recovery_code=fresh[0]).status == 200


def test_recovery_codes_without_an_authenticator_are_refused(api: ApiClient, member: Person) -> None:
    assert said(api.bearer(member.access).send_json("POST", CODES, SHOWN)) == (409, "TOTP_OFF")
    assert RecoveryCode.objects.count() == 0


@pytest.mark.parametrize(("method", "path"), [("POST", TOTP), ("DELETE", TOTP), ("POST", CODES)])
def test_a_stolen_access_token_guesses_no_more_passwords_than_a_stranger(
    api: ApiClient, member: Person, method: str, path: str
) -> None:
    caller = api.bearer(member.access)
    answers = [said(caller.send_json(method, path, {"password": "wrong"})) for _ in range(6)]
    assert answers == [*[(403, "WRONG_PASSWORD")] * 5, LOCKED]
    assert said(caller.send_json(method, path, SHOWN)) == LOCKED
    assert TotpDevice.objects.count() == 0


def test_any_way_of_signing_in_asks_for_the_second_step(enrolled: Enrolled) -> None:
    device = Device(agent="tests", address="192.0.2.7")
    with pytest.raises(MfaRequired) as asked:
        finish_sign_in(user=enrolled.person.user, device=device, way="social")
    token = str(asked.value.details["mfa_token"])
    assert enrolled.verify(token, code=code_of(enrolled.secret)).status == 200
    assert told("accounts.signed_in") == [{"way": "social+totp"}]


def test_the_state_takes_three_queries(enrolled: Enrolled) -> None:
    with CaptureQueriesContext(connection) as queries:
        enrolled.api.bearer(enrolled.person.access).read(MFA)
    assert len(queries) == 3


def test_no_secret_is_in_the_logs_the_trail_or_the_outbox(
    enrolled: Enrolled, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    token = enrolled.login()
    code = code_of(enrolled.secret)
    assert enrolled.verify(token, recovery_code=enrolled.codes[0]).status == 200
    assert enrolled.verify(enrolled.login(), code=code).status == 200
    written = "".join((*capfd.readouterr(), caplog.text, str(list(OutboxEvent.objects.values_list("payload")))))
    written += str(
        [row.detail.payload for row in AuditRecord.objects.select_related("detail") if hasattr(row, "detail")]
    )
    for secret in (enrolled.secret, token, token.partition(".")[2], code, *enrolled.codes, PASSWORD):
        assert secret not in written


def test_a_code_is_good_one_step_to_either_side(enrolled: Enrolled) -> None:
    assert STEP_S == 30
    assert said(enrolled.verify(enrolled.login(), code=code_of(enrolled.secret, 3))) == REFUSED
    assert said(enrolled.verify(enrolled.login(), code=code_of(enrolled.secret, -3))) == REFUSED
    assert enrolled.verify(enrolled.login(), code=code_of(enrolled.secret, -1)).status == 200
