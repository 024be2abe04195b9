"""Verifying an e-mail and setting a password anew: once, in time, telling strangers nothing, keeping no secret."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stoa.apps.accounts.models import Errand, MailedSecret, SecondStep, Session, User
from stoa.apps.accounts.services import emails, passwords
from stoa.apps.accounts.services.mailed_secrets import MAILS_AN_HOUR, forget_secrets
from stoa.apps.accounts.tests.factories import PASSWORD, Person, make_person, make_user
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_id
from stoa.platform.audit.models import AuditDetail, AuditRecord
from stoa.platform.mail.client import mail_in_use
from stoa.platform.mail.ways import MemoryMail
from stoa.platform.outbox.draining import drain
from stoa.platform.outbox.models import OutboxDelivery, OutboxEvent
from stoa.platform.testing.client import ApiClient, Envelope
from stoa.platform.testing.pausing import fault_at
from stoa.runtime.config import current

pytestmark = pytest.mark.django_db

NEW = "another-long-passphrase"
TOKEN = re.compile(r"[0-9a-f-]{36}\.[A-Za-z0-9_-]{43}")
REGISTER, LOGIN, ME = "/api/v1/auth/register", "/api/v1/auth/login", "/api/v1/users/me"
VERIFY, RESEND = "/api/v1/auth/email/verify", "/api/v1/auth/email/resend"
CHANGE, RESET, CONFIRM = (f"/api/v1/auth/password/{name}" for name in ("change", "reset", "reset/confirm"))


@pytest.fixture
def box() -> Iterator[MemoryMail]:
    mailbox = MemoryMail()
    with mail_in_use(mailbox):
        yield mailbox


def post(api: ApiClient, path: str, **body: object) -> Envelope:
    return api.send_json("POST", path, body)


def token_in(mail: EmailMultiAlternatives) -> str:
    found = TOKEN.search(str(mail.body))
    assert found is not None
    assert found[0] in str(mail.alternatives[0][0])
    return found[0]


def token_for(api: ApiClient, box: MemoryMail, person: Person, path: str = RESET) -> str:
    assert post(api, path, email=person.user.email).status == 200
    drain()
    return token_in(box.to(person.user.email)[-1])


def signs_in(api: ApiClient, person: Person, password: str) -> bool:
    return post(api, LOGIN, email=person.user.email, password=password).status == 200


# Verifying


def test_who_registers_gets_a_mail_and_its_token_verifies_once(api: ApiClient, box: MemoryMail) -> None:
    assert post(api, REGISTER, email="Ann@Example.org", password=PASSWORD, name="Ann").status == 201
    assert box.sent == []
    drain()
    drain()
    [mail] = box.to("ann@example.org")
    assert User.objects.get().email_verified_at is None
    answer = post(api, VERIFY, token=token_in(mail))
    assert (answer.status, answer.data) == (200, {"verified": True})
    first = User.objects.get().email_verified_at
    assert first is not None
    again = post(api, VERIFY, token=token_in(mail))
    assert (again.status, again.code) == (403, "TOKEN_REFUSED")
    assert User.objects.get().email_verified_at == first
    assert AuditRecord.objects.filter(action="accounts.email_verified").count() == 1


def test_a_registration_that_fails_leaves_no_mail(api: ApiClient, box: MemoryMail, member: Person) -> None:
    assert post(api, REGISTER, email=member.user.email, password=PASSWORD, name="Ann").status == 409
    drain()
    assert (box.sent, MailedSecret.objects.count()) == ([], 0)


@pytest.mark.parametrize("whose", ["nobody", "verified", "disabled", "demo_off"])
def test_resending_tells_nothing_and_sends_nothing_to_whoever_does_not_wait(
    api: ApiClient, box: MemoryMail, member: Person, whose: str
) -> None:
    fields: dict[str, dict[str, object]] = {
        "verified": {"email_verified_at": utc_now()},
        "disabled": {"is_active": False},
        "demo_off": {"is_demo": True},
    }
    other = make_user("Other", **fields.get(whose, {}))
    email = "nobody@example.org" if whose == "nobody" else other.email
    chosen = current.loaded()
    current.use(type(chosen)(chosen.settings.model_copy(update={"demo_data": False}), chosen.origins))
    try:
        waiting, silent = post(api, RESEND, email=member.user.email), post(api, RESEND, email=email)
        drain()
    finally:
        current.use(chosen)
    assert (silent.status, silent.data, silent.message) == (200, waiting.data, waiting.message)
    assert [mail.to for mail in box.sent] == [[member.user.email]]


def test_an_address_that_was_left_is_not_verified_by_its_token(api: ApiClient, box: MemoryMail, member: Person) -> None:
    token = token_for(api, box, member, RESEND)
    User.objects.filter(pk=member.user.pk).update(email="new@example.org")
    assert post(api, VERIFY, token=token).code == "TOKEN_REFUSED"
    assert User.objects.get(pk=member.user.pk).email_verified_at is None
    assert MailedSecret.objects.get().used_at is None


# A password anew


def test_a_reset_sets_the_password_ends_every_session_and_works_once(
    api: ApiClient, box: MemoryMail, member: Person, outsider: Person
) -> None:
    other = token_for(api, box, member)
    token = token_for(api, box, member)
    answer = post(api, CONFIRM, token=token, password=NEW)
    assert (answer.status, answer.data) == (200, {"sessions_ended": 1})
    assert api.get(ME, headers=member.bearer).status_code == 401
    assert api.get(ME, headers=outsider.bearer).status_code == 200
    assert (signs_in(api, member, PASSWORD), signs_in(api, member, NEW)) == (False, True)
    assert User.objects.get(pk=member.user.pk).email_verified_at is not None
    assert OutboxEvent.objects.filter(name="accounts.sessions_ended").count() == 1
    for spent in (token, other):
        again = post(api, CONFIRM, token=spent, password="a-third-long-passphrase")
        assert (again.status, again.code) == (403, "TOKEN_REFUSED")
    assert signs_in(api, member, NEW)


def test_a_token_of_another_errand_or_person_or_kind_is_refused(
    api: ApiClient, box: MemoryMail, member: Person, outsider: Person
) -> None:
    verifying = token_for(api, box, member, RESEND)
    mine, theirs = token_for(api, box, member), token_for(api, box, outsider)
    mixed = f"{mine.partition('.')[0]}.{theirs.partition('.')[2]}"
    for token in (verifying, mixed, "x", "ж.ж", new_id(), f"{new_id()}.{'A' * 43}", member.access[:200]):
        assert post(api, CONFIRM, token=token, password=NEW).code == "TOKEN_REFUSED"
    assert post(api, VERIFY, token=mine).code == "TOKEN_REFUSED"
    assert signs_in(api, member, PASSWORD)
    assert signs_in(api, outsider, PASSWORD)


@pytest.mark.parametrize("password", ["password", "short1", "9182736455"])
def test_a_weak_password_is_refused_and_the_token_still_works(
    api: ApiClient, box: MemoryMail, member: Person, password: str
) -> None:
    token = token_for(api, box, member)
    answer = post(api, CONFIRM, token=token, password=password)
    assert (answer.status, list(answer.fields)) == (422, ["password"])
    assert api.get(ME, headers=member.bearer).status_code == 200
    assert post(api, CONFIRM, token=token, password=NEW).status == 200


@pytest.mark.parametrize("change", ["expired", "disabled"])
def test_too_late_and_disabled_are_refused(api: ApiClient, box: MemoryMail, member: Person, change: str) -> None:
    token = token_for(api, box, member)
    if change == "expired":
        MailedSecret.objects.update(expires_at=utc_now())
    else:
        User.objects.filter(pk=member.user.pk).update(is_active=False)
    assert post(api, CONFIRM, token=token, password=NEW).code == "TOKEN_REFUSED"
    assert User.objects.get(pk=member.user.pk).check_password(PASSWORD)


def test_an_unknown_address_gets_the_same_answer_after_the_same_statements(
    api: ApiClient, box: MemoryMail, member: Person
) -> None:
    def shape(email: str) -> list[str]:
        with CaptureQueriesContext(
            connection,
        ) as run:
            answer = post(api, RESET, email=email)
        assert (answer.status, answer.data) == (200, {"accepted": True})
        return [re.sub(r"'[^']*'|[0-9a-f]{32}|\d+|NULL", "?", each["sql"]) for each in run.captured_queries]

    shape(member.user.email)  # what only the first request of a process asks
    known, unknown = shape(member.user.email), shape("nobody@example.org")
    assert [each.partition(" ")[0] for each in known] == [each.partition(" ")[0] for each in unknown]
    assert len(known) == len(unknown)
    drain()
    assert {mail.to[0] for mail in box.sent} == {member.user.email}


def test_a_mailbox_is_not_filled_through_us(api: ApiClient, box: MemoryMail, member: Person) -> None:
    for _ in range(MAILS_AN_HOUR + 3):
        assert post(api, RESET, email=member.user.email).status == 200
    drain()
    assert len(box.to(member.user.email)) == MAILS_AN_HOUR
    MailedSecret.objects.update(created_at=utc_now() - timedelta(hours=2))
    token_for(api, box, member)
    assert len(box.to(member.user.email)) == MAILS_AN_HOUR + 1


def test_killed_before_the_commit_the_reset_can_be_repeated(api: ApiClient, box: MemoryMail, member: Person) -> None:
    token = token_for(api, box, member)
    with fault_at("accounts.before_reset_commit", KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        passwords.reset_password(token=token, new=NEW)
    assert User.objects.get(pk=member.user.pk).check_password(PASSWORD)
    assert Session.objects.get(user=member.user).revoked_at is None
    assert passwords.reset_password(token=token, new=NEW) == 1


# Mail that does not leave


def test_a_mail_server_that_is_down_loses_nothing_and_asking_again_works(
    api: ApiClient, box: MemoryMail, member: Person
) -> None:
    box.broken = True
    assert post(api, RESET, email=member.user.email).status == 200
    drain(expect_failures=True)
    waiting = OutboxDelivery.objects.get(subscriber="accounts.send_secret")
    assert (waiting.attempts, box.sent, MailedSecret.objects.filter(used_at=None).count()) == (1, [], 1)
    assert "example.org" not in waiting.error
    box.broken = False
    token_for(api, box, member)
    OutboxDelivery.objects.filter(pk=waiting.pk).update(due_at=utc_now())
    drain()
    first, second = box.to(member.user.email)
    assert first.extra_headers["Message-ID"] != second.extra_headers["Message-ID"]
    assert post(api, CONFIRM, token=token_in(second), password=NEW).status == 200


def test_killed_between_mail_and_mark_it_is_the_same_mail_again(
    api: ApiClient, box: MemoryMail, member: Person
) -> None:
    assert post(api, RESET, email=member.user.email).status == 200
    with fault_at("outbox.sent", lambda: RuntimeError("killed")):
        drain(expect_failures=True)
    OutboxDelivery.objects.filter(subscriber="accounts.send_secret").update(due_at=utc_now())
    drain()
    first, second = box.to(member.user.email)
    assert first.extra_headers["Message-ID"] == second.extra_headers["Message-ID"]
    assert token_in(first) == token_in(second)


@pytest.mark.parametrize("way", ["reset", "change"])
def test_a_second_step_begun_with_the_old_password_is_void(
    api: ApiClient, box: MemoryMail, member: Person, way: str
) -> None:
    hour = utc_now() + timedelta(hours=1)
    step = SecondStep.objects.create(user=member.user, token_hash="x", way="password", expires_at=hour)
    if way == "reset":
        assert passwords.reset_password(token=token_for(api, box, member), new=NEW) == 1
    else:
        sid = Session.objects.get(user=member.user).pk
        assert passwords.change_password(user_id=member.user.pk, session_id=sid, old=PASSWORD, new=NEW, address="") == 0
    step.refresh_from_db()
    assert step.spent_at is not None


# What is kept


def test_no_secret_and_no_address_in_events_deliveries_audit_rows_or_logs(
    api: ApiClient, box: MemoryMail, member: Person, caplog: pytest.LogCaptureFixture
) -> None:
    token = token_for(api, box, member)
    verifying = token_for(api, box, member, RESEND)
    post(api, CONFIRM, token=token, password=NEW)
    post(api, VERIFY, token=verifying)
    tables = (OutboxEvent, OutboxDelivery, AuditRecord, AuditDetail, MailedSecret)
    kept = " ".join(repr(row) for table in tables for row in table.objects.values())
    kept += " ".join(repr(record.__dict__) for record in caplog.records)
    for secret in (token.partition(".")[2], verifying.partition(".")[2], NEW, PASSWORD, member.user.email):
        assert secret not in kept
    assert OutboxEvent.objects.filter(name="accounts.secret_asked").count() == 2


def test_what_expired_is_swept_and_nothing_else(api: ApiClient, box: MemoryMail, member: Person) -> None:
    for email in (member.user.email, "nobody@example.org", "nobody@example.org"):
        passwords.ask_reset(email=email)
    emails.ask_again(email=member.user.email)
    MailedSecret.objects.filter(errand=Errand.RESET_PASSWORD).update(expires_at=utc_now() - timedelta(seconds=1))
    assert (forget_secrets(limit=2), forget_secrets(limit=500), forget_secrets(limit=500)) == (2, 1, 0)
    assert MailedSecret.objects.get().errand == Errand.VERIFY_EMAIL


# A password one knows


def test_changing_ends_every_other_session_and_voids_resets(api: ApiClient, box: MemoryMail, member: Person) -> None:
    token = token_for(api, box, member)
    assert signs_in(api, member, PASSWORD)
    answer = api.bearer(member.access).send_json("POST", CHANGE, {"old_password": PASSWORD, "password": NEW})
    assert (answer.status, answer.data) == (200, {"sessions_ended": 1})
    assert api.get(ME, headers=member.bearer).status_code == 200
    assert Session.objects.filter(user=member.user, revoked_at=None).count() == 1
    assert (signs_in(api, member, PASSWORD), signs_in(api, member, NEW)) == (False, True)
    assert post(api, CONFIRM, token=token, password="a-third-long-passphrase").code == "TOKEN_REFUSED"


@pytest.mark.parametrize(
    ("old", "new", "status"), [("wrong", NEW, 403), (PASSWORD, "password", 422), (PASSWORD, "", 422)]
)
def test_a_change_that_is_refused_changes_nothing(
    api: ApiClient, member: Person, old: str, new: str, status: int
) -> None:
    other = make_person("Other")
    answer = api.bearer(member.access).send_json("POST", CHANGE, {"old_password": old, "password": new})
    assert answer.status == status
    assert User.objects.get(pk=member.user.pk).check_password(PASSWORD)
    assert Session.objects.filter(revoked_at=None).count() == 2
    assert api.get(ME, headers=other.bearer).status_code == 200


def test_guessing_the_old_password_is_locked_out_as_at_the_door(api: ApiClient, member: Person) -> None:
    def change(old: str) -> int:
        body = {"old_password": old, "password": NEW}
        return api.bearer(member.access).send_json("POST", "/api/v1/auth/password/change", body).status

    assert [change(f"guess {number}") for number in range(6)] == [403] * 5 + [429]
    assert change(PASSWORD) == 429
    member.user.refresh_from_db()
    assert member.user.check_password(PASSWORD)
