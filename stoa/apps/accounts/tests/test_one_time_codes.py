"""Six digits to sign in with or to show a phone: once, in time, in five tries, telling strangers nothing."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pyotp
import pytest

from stoa.apps.accounts.errors import OtpRefused
from stoa.apps.accounts.models import CodeWay, OneTimeCode, Session, SignInAttempt, User
from stoa.apps.accounts.services import mfa
from stoa.apps.accounts.services.one_time_codes import CODES_AN_HOUR, TRIES, forget_codes, sign_in_with_code
from stoa.apps.accounts.services.sessions import Device
from stoa.apps.accounts.tests.factories import PASSWORD, Person, make_person, make_user
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_id
from stoa.platform.audit.models import AuditDetail, AuditRecord
from stoa.platform.mail.client import mail_in_use
from stoa.platform.mail.ways import MemoryMail
from stoa.platform.outbox.draining import drain
from stoa.platform.outbox.models import OutboxDelivery, OutboxEvent
from stoa.platform.sms.client import MemorySms, sms_in_use
from stoa.platform.testing.client import ApiClient, Envelope
from stoa.platform.testing.pausing import fault_at

pytestmark = pytest.mark.django_db

PHONE = "+995555123456"
ASK, VERIFY = "/api/v1/auth/otp/request", "/api/v1/auth/otp/verify"
ASK_PHONE, VERIFY_PHONE = "/api/v1/auth/phone/request", "/api/v1/auth/phone/verify"
LOGIN, ME = "/api/v1/auth/login", "/api/v1/users/me"
DIGITS = re.compile(r"\b\d{6}\b")


@pytest.fixture
def box() -> Iterator[MemoryMail]:
    mailbox = MemoryMail()
    with mail_in_use(mailbox):
        yield mailbox


@pytest.fixture
def phone() -> Iterator[MemorySms]:
    messages = MemorySms()
    with sms_in_use(messages):
        yield messages


@pytest.fixture
def reachable(db: None) -> Person:
    now = utc_now()
    return make_person("Reachable", email_verified_at=now, phone=PHONE, phone_verified_at=now)


def post(api: ApiClient, path: str, who: Person | None = None, **body: object) -> Envelope:
    return api.send_json("POST", path, body, **(who.bearer if who is not None else {}))


def asked(api: ApiClient, login: str, way: str = "email") -> str:
    answer = post(api, ASK, login=login, way=way)
    assert answer.status == 200
    drain()
    return str(answer.data["otp_id"])


def code_in(text: object) -> str:
    found = DIGITS.search(str(text))
    assert found is not None
    return found[0]


def mailed(api: ApiClient, box: MemoryMail, person: Person) -> tuple[str, str]:
    """Id and digits."""
    otp_id = asked(api, person.user.email)
    return otp_id, code_in(box.to(person.user.email)[-1].body)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def refused(answer: Envelope) -> bool:
    return (answer.status, answer.code) == (401, "OTP_REFUSED")


# Signing in


def test_a_mailed_code_signs_in_once(api: ApiClient, box: MemoryMail, reachable: Person) -> None:
    otp_id, code = mailed(api, box, reachable)
    [mail] = box.sent
    assert code in mail.subject
    assert code_in(mail.alternatives[0][0]) == code
    answer = post(api, VERIFY, otp_id=otp_id, code=code)
    assert (answer.status, answer.data["user"]["id"]) == (200, str(reachable.user.pk))
    assert api.get(ME, headers={"Authorization": f"Bearer {answer.data['access']}"}).status_code == 200
    assert refused(post(api, VERIFY, otp_id=otp_id, code=code))
    assert Session.objects.filter(user=reachable.user).count() == 2
    [act] = AuditRecord.objects.filter(action="accounts.signed_in")
    assert "code_by_email" in str(AuditDetail.objects.get(record_id=act.pk).payload)
    assert SignInAttempt.objects.filter(counts=True).count() == 0


def test_a_text_message_signs_in_by_handle(api: ApiClient, phone: MemorySms, reachable: Person) -> None:
    otp_id = asked(api, reachable.user.handle, "sms")
    [(number, text)] = phone.sent.values()
    assert number == PHONE
    assert post(api, VERIFY, otp_id=otp_id, code=code_in(text)).status == 200


def test_an_authenticator_is_asked_for_after_it(api: ApiClient, box: MemoryMail, reachable: Person) -> None:
    secret = mfa.enrol_totp(user_id=reachable.user.pk, password=PASSWORD, address="").secret
    mfa.confirm_totp(user_id=reachable.user.pk, code=pyotp.TOTP(secret).at(utc_now()))
    otp_id, code = mailed(api, box, reachable)
    answer = post(api, VERIFY, otp_id=otp_id, code=code)
    assert (answer.status, answer.code) == (401, "MFA_REQUIRED")
    assert Session.objects.filter(user=reachable.user).count() == 1


@pytest.mark.parametrize("whose", ["nobody", "unverified", "disabled", "no_phone", "unverified_phone"])
@pytest.mark.parametrize("way", ["email", "sms"])
def test_asking_tells_nothing_and_sends_nothing_where_it_must_not(
    api: ApiClient, box: MemoryMail, phone: MemorySms, reachable: Person, whose: str, way: str
) -> None:
    now = utc_now()
    fields: dict[str, dict[str, object]] = {
        "unverified": {},
        "disabled": {"is_active": False, "email_verified_at": now, "phone": PHONE, "phone_verified_at": now},
        "no_phone": {"email_verified_at": now if way == "sms" else None},
        "unverified_phone": {"phone": PHONE},
    }
    login = "nobody@example.org" if whose == "nobody" else make_user("Other", **fields[whose]).email
    known = post(api, ASK, login=reachable.user.email, way=way)
    silent = post(api, ASK, login=login, way=way)
    drain()
    assert (silent.status, silent.message, silent.data.keys()) == (200, known.message, known.data.keys())
    assert len(box.sent) + len(phone.sent) == 1
    assert refused(post(api, VERIFY, otp_id=silent.data["otp_id"], code="000000"))
    assert OneTimeCode.objects.get(pk=silent.data["otp_id"]).tries == 1


def test_wrong_codes_burn_it_and_count_for_the_lockout(api: ApiClient, box: MemoryMail, reachable: Person) -> None:
    otp_id, code = mailed(api, box, reachable)
    for _ in range(TRIES):
        assert refused(post(api, VERIFY, otp_id=otp_id, code=wrong(code)))
    # Five guesses from here are the limit of this account at this address too.
    locked = post(api, VERIFY, otp_id=otp_id, code=code)
    assert (locked.status, locked.code) == (429, "RATE_LIMITED")
    assert AuditRecord.objects.filter(action="accounts.otp_failed").count() == TRIES
    # From elsewhere the code is out of tries, though it is right; and that is no guess.
    here = Device(agent="tests", address="198.51.100.7")
    before = SignInAttempt.objects.count()
    with pytest.raises(OtpRefused):
        sign_in_with_code(code_id=OneTimeCode.objects.get().pk, code=code, device=here)
    assert SignInAttempt.objects.count() == before
    assert Session.objects.filter(user=reachable.user).count() == 1


def test_a_lockout_does_not_tell_whether_there_is_an_account(
    api: ApiClient, box: MemoryMail, reachable: Person
) -> None:
    """Guesses at the password of an address count at its codes, also where it is nobody's."""
    seen = []
    for login in (reachable.user.email, "nobody@example.org"):
        otp_id = asked(api, login)
        statuses = [post(api, LOGIN, email=login, password="wrong").status for _ in range(5)]
        seen.append((statuses, post(api, VERIFY, otp_id=otp_id, code="000000").status))
    assert seen == [([401] * 5, 429)] * 2


def test_a_code_dies_in_five_minutes(api: ApiClient, box: MemoryMail, reachable: Person) -> None:
    otp_id, code = mailed(api, box, reachable)
    row = OneTimeCode.objects.get()
    assert row.expires_at - row.created_at == timedelta(minutes=5)
    OneTimeCode.objects.update(expires_at=utc_now())
    assert refused(post(api, VERIFY, otp_id=otp_id, code=code))


@pytest.mark.parametrize("left", ["email", "phone"])
def test_a_code_for_an_address_that_was_left_is_void(
    api: ApiClient, box: MemoryMail, phone: MemorySms, reachable: Person, left: str
) -> None:
    way = "email" if left == "email" else "sms"
    otp_id = asked(api, reachable.user.email, way)
    code = code_in(box.sent[0].body if way == "email" else next(iter(phone.sent.values()))[1])
    person = User.objects.get(pk=reachable.user.pk)
    setattr(person, left, "other@example.org" if left == "email" else "+995555999999")
    person.save()
    assert refused(post(api, VERIFY, otp_id=otp_id, code=code))
    assert OneTimeCode.objects.get().used_at is None


def test_nobody_gets_more_than_five_an_hour(api: ApiClient, box: MemoryMail, reachable: Person) -> None:
    for _ in range(CODES_AN_HOUR + 2):
        asked(api, reachable.user.email)
    assert len(box.sent) == CODES_AN_HOUR
    OneTimeCode.objects.update(created_at=utc_now() - timedelta(hours=2))
    asked(api, reachable.user.email)
    assert len(box.sent) == CODES_AN_HOUR + 1


def test_a_message_that_was_not_taken_is_sent_again_the_same(
    api: ApiClient, phone: MemorySms, reachable: Person
) -> None:
    phone.broken = True
    otp_id = str(post(api, ASK, login=reachable.user.email, way="sms").data["otp_id"])
    drain(expect_failures=True)
    [waiting] = OutboxDelivery.objects.filter(subscriber="accounts.send_one_time_code")
    assert (waiting.attempts, phone.sent) == (1, {})
    phone.broken = False
    OutboxDelivery.objects.update(due_at=utc_now())
    drain()
    [(_, text)] = phone.sent.values()
    assert post(api, VERIFY, otp_id=otp_id, code=code_in(text)).status == 200


def test_the_code_is_stored_nowhere(api: ApiClient, box: MemoryMail, reachable: Person) -> None:
    _, code = mailed(api, box, reachable)
    for table in (OutboxEvent, OutboxDelivery, AuditRecord, AuditDetail, OneTimeCode):
        for row in table._default_manager.values():
            assert code not in re.findall(r"\d+", str(row))


def test_the_fault_before_the_commit_leaves_the_code(api: ApiClient, box: MemoryMail, reachable: Person) -> None:
    otp_id, code = mailed(api, box, reachable)
    with fault_at("accounts.spend_code", KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        sign_in_with_code(
            code_id=OneTimeCode.objects.get().pk, code=code, device=Device(agent="tests", address="198.51.100.9")
        )
    assert OneTimeCode.objects.get().used_at is None
    assert post(api, VERIFY, otp_id=otp_id, code=code).status == 200


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (ASK, {"login": ""}, "login"),
        (ASK, {"login": "ann", "way": "pigeon"}, "way"),
        (VERIFY, {"otp_id": "7", "code": "123456"}, "otp_id"),
        (VERIFY, {"otp_id": new_id(), "code": "1" * 41}, "code"),
    ],
)
def test_bad_input_names_its_field(api: ApiClient, path: str, body: dict[str, object], field: str) -> None:
    answer = api.send_json("POST", path, body)
    assert (answer.status, list(answer.fields)) == (422, [field])
    assert OneTimeCode.objects.count() == 0


def test_an_unknown_id_is_refused(api: ApiClient, db: None) -> None:
    assert refused(post(api, VERIFY, otp_id=new_id(), code="123456"))
    assert SignInAttempt.objects.count() == 0


def test_old_codes_are_forgotten(api: ApiClient, box: MemoryMail, reachable: Person) -> None:
    mailed(api, box, reachable)
    assert forget_codes(limit=10) == 0
    OneTimeCode.objects.update(expires_at=utc_now() - timedelta(hours=1, seconds=1))
    assert forget_codes(limit=10) == 1


# A phone


def test_a_number_is_verified_and_another_one_is_not(api: ApiClient, phone: MemorySms, member: Person) -> None:
    api.send_json("PATCH", ME, {"phone": PHONE}, **member.bearer)
    answer = post(api, ASK_PHONE, member, password=PASSWORD)
    assert answer.status == 200
    drain()
    [(number, text)] = phone.sent.values()
    assert number == PHONE
    shown = post(api, VERIFY_PHONE, member, otp_id=answer.data["otp_id"], code=code_in(text))
    assert (shown.status, shown.data) == (200, {"verified": True})
    me = api.send_json("GET", ME, **member.bearer).data
    assert (me["phone"], me["phone_verified"], me["email_verified"]) == (PHONE, True, False)
    assert AuditRecord.objects.filter(action="accounts.phone_verified").count() == 1
    again = post(api, VERIFY_PHONE, member, otp_id=answer.data["otp_id"], code=code_in(text))
    assert (again.status, again.code) == (403, "WRONG_CODE")
    # It does not sign in: that is another purpose.
    assert refused(post(api, VERIFY, otp_id=answer.data["otp_id"], code=code_in(text)))
    api.send_json("PATCH", ME, {"phone": PHONE, "bio": "Same number."}, **member.bearer)
    assert User.objects.get(pk=member.user.pk).phone_verified_at is not None
    api.send_json("PATCH", ME, {"phone": "+995555999999"}, **member.bearer)
    assert User.objects.get(pk=member.user.pk).phone_verified_at is None


def test_a_number_is_not_verified_without_number_password_or_by_another(
    api: ApiClient, phone: MemorySms, member: Person, outsider: Person
) -> None:
    none = post(api, ASK_PHONE, member, password=PASSWORD)
    assert (none.status, none.code) == (409, "NO_PHONE")
    api.send_json("PATCH", ME, {"phone": PHONE}, **member.bearer)
    wrong_one = post(api, ASK_PHONE, member, password="wrong")
    assert (wrong_one.status, wrong_one.code) == (403, "WRONG_PASSWORD")
    assert OneTimeCode.objects.count() == 0
    otp_id = post(api, ASK_PHONE, member, password=PASSWORD).data["otp_id"]
    drain()
    [(_, text)] = phone.sent.values()
    other = post(api, VERIFY_PHONE, outsider, otp_id=otp_id, code=code_in(text))
    assert (other.status, other.code) == (403, "WRONG_CODE")
    assert User.objects.exclude(phone_verified_at=None).count() == 0


def test_guesses_at_a_phone_code_and_its_password_are_locked_out(
    api: ApiClient, phone: MemorySms, member: Person
) -> None:
    api.send_json("PATCH", ME, {"phone": PHONE}, **member.bearer)
    otp_id = post(api, ASK_PHONE, member, password=PASSWORD).data["otp_id"]
    drain()
    [(_, text)] = phone.sent.values()
    for _ in range(5):
        assert post(api, VERIFY_PHONE, member, otp_id=otp_id, code=wrong(code_in(text))).status == 403
    assert post(api, VERIFY_PHONE, member, otp_id=otp_id, code=code_in(text)).status == 429
    assert post(api, ASK_PHONE, member, password=PASSWORD).status == 429
    assert User.objects.get(pk=member.user.pk).phone_verified_at is None
    assert OneTimeCode.objects.get().way == CodeWay.SMS
