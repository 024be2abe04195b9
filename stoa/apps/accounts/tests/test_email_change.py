"""Another e-mail: with the password, shown to be read, the old address told first, and never one that is somebody's."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.mail import EmailMultiAlternatives

from stoa.apps.accounts.errors import TokenRefused
from stoa.apps.accounts.models import Errand, MailedSecret, Session, SignInAttempt, User
from stoa.apps.accounts.services import emails
from stoa.apps.accounts.tests.factories import PASSWORD, Person, make_user
from stoa.kit.clock import utc_now
from stoa.platform.audit.models import AuditRecord
from stoa.platform.mail.client import mail_in_use
from stoa.platform.mail.errors import MailRefused
from stoa.platform.mail.ways import MemoryMail
from stoa.platform.outbox.draining import drain
from stoa.platform.outbox.models import OutboxEvent
from stoa.platform.testing.client import ApiClient, Envelope
from stoa.platform.testing.pausing import fault_at

pytestmark = pytest.mark.django_db

CHANGE, CONFIRM = "/api/v1/auth/email/change", "/api/v1/auth/email/change/confirm"
LOGIN, ME, RESET = "/api/v1/auth/login", "/api/v1/users/me", "/api/v1/auth/password/reset"
NEW = "new.address@example.org"
TOKEN = re.compile(r"[0-9a-f-]{36}\.[A-Za-z0-9_-]{43}")


@pytest.fixture
def box() -> Iterator[MemoryMail]:
    mailbox = MemoryMail()
    with mail_in_use(mailbox):
        yield mailbox


def ask(api: ApiClient, who: Person, email: str = NEW, password: str = PASSWORD) -> Envelope:
    answer = api.send_json("POST", CHANGE, {"email": email, "password": password}, **who.bearer)
    drain()
    return answer


def confirm(api: ApiClient, token: str) -> Envelope:
    return api.send_json("POST", CONFIRM, {"token": token})


def token_for(api: ApiClient, box: MemoryMail, who: Person, email: str = NEW) -> str:
    assert ask(api, who, email).status == 200
    found = TOKEN.search(str(box.to(email)[-1].body))
    assert found is not None
    return found[0]


def test_the_address_changes_when_the_new_one_was_read(api: ApiClient, box: MemoryMail, member: Person) -> None:
    old = member.user.email
    token = token_for(api, box, member, "New.Address@Example.org".lower())
    # The old address hears of it first, and gets no token.
    assert [mail.to for mail in box.sent] == [[old], [NEW]]
    assert TOKEN.search(str(box.sent[0].body)) is None
    assert User.objects.get(pk=member.user.pk).email == old
    answer = confirm(api, token)
    assert (answer.status, answer.data) == (200, {"verified": True})
    me = api.send_json("GET", ME, **member.bearer).data
    assert (me["email"], me["email_verified"]) == (NEW, True)
    statuses = [
        api.send_json("POST", LOGIN, {"email": email, "password": PASSWORD}).status for email in (NEW.upper(), old)
    ]
    assert statuses == [200, 401]
    names = set(OutboxEvent.objects.values_list("name", flat=True))
    assert {"accounts.email_changed", "accounts.profile_changed"} <= names
    acts = AuditRecord.objects.filter(object_id=str(member.user.pk)).values_list("action", flat=True)
    assert {"accounts.email_change_asked", "accounts.email_changed"} <= set(acts)
    again = confirm(api, token)
    assert (again.status, again.code) == (403, "TOKEN_REFUSED")


def test_an_address_that_is_somebodys_gets_no_mail_and_the_answer_is_the_same(
    api: ApiClient, box: MemoryMail, member: Person, outsider: Person
) -> None:
    taken, free = ask(api, member, outsider.user.email), ask(api, outsider, NEW)
    assert (taken.status, taken.data, taken.message) == (200, free.data, free.message)
    assert [mail.to for mail in box.sent] == [[outsider.user.email], [NEW]]


def test_who_takes_the_address_meanwhile_keeps_it(api: ApiClient, box: MemoryMail, member: Person) -> None:
    token = token_for(api, box, member)
    other = make_user("Quicker", email=NEW)
    answer = confirm(api, token)
    assert (answer.status, answer.code) == (409, "EMAIL_TAKEN")
    assert User.objects.get(email=NEW).pk == other.pk
    assert MailedSecret.objects.get(errand=Errand.CHANGE_EMAIL).used_at is None
    assert not OutboxEvent.objects.filter(name="accounts.email_changed").exists()
    User.objects.filter(pk=other.pk).update(email="elsewhere@example.org")
    assert confirm(api, token).status == 200


def test_a_later_wish_a_new_password_and_time_void_it(api: ApiClient, box: MemoryMail, member: Person) -> None:
    first = token_for(api, box, member)
    second = token_for(api, box, member, "other@example.org")
    assert confirm(api, first).code == "TOKEN_REFUSED"
    changed = api.send_json(
        "POST",
        "/api/v1/auth/password/change",
        {"old_password": PASSWORD, "password": "another-long-passphrase"},
        **member.bearer,
    )
    assert changed.status == 200
    assert confirm(api, second).code == "TOKEN_REFUSED"
    ask(api, member, NEW, "another-long-passphrase")
    MailedSecret.objects.update(expires_at=utc_now())
    found = TOKEN.search(str(box.to(NEW)[-1].body))
    assert found is not None
    assert confirm(api, found[0]).code == "TOKEN_REFUSED"
    assert User.objects.get(pk=member.user.pk).email == member.user.email


def test_a_reset_mailed_to_the_old_address_is_void(api: ApiClient, box: MemoryMail, member: Person) -> None:
    assert api.send_json("POST", RESET, {"email": member.user.email}).status == 200
    drain()
    reset = TOKEN.search(str(box.to(member.user.email)[-1].body))
    assert reset is not None
    assert confirm(api, token_for(api, box, member)).status == 200
    answer = api.send_json("POST", f"{RESET}/confirm", {"token": reset[0], "password": "another-long-passphrase"})
    assert (answer.status, answer.code) == (403, "TOKEN_REFUSED")
    assert Session.objects.get(user=member.user).revoked_at is None


def test_without_the_password_or_with_the_same_address_nothing_happens(
    api: ApiClient, box: MemoryMail, member: Person
) -> None:
    wrong = ask(api, member, password="wrong")
    assert (wrong.status, wrong.code) == (403, "WRONG_PASSWORD")
    same = ask(api, member, member.user.email.upper())
    assert (same.status, list(same.fields)) == (422, ["email"])
    bad = ask(api, member, "no address")
    assert (bad.status, list(bad.fields)) == (422, ["email"])
    for _ in range(4):
        ask(api, member, password="wrong")
    assert ask(api, member).status == 429
    assert (box.sent, MailedSecret.objects.count()) == ([], 0)
    assert SignInAttempt.objects.filter(counts=True).count() == 5


class DeadOldAddress(MemoryMail):
    """Refuses mail to one address for good."""

    dead = ""

    def send(self, message: EmailMultiAlternatives) -> None:
        if message.to == [self.dead]:
            raise MailRefused
        super().send(message)


def test_an_old_address_that_is_dead_does_not_hold_it_up(api: ApiClient, member: Person) -> None:
    mailbox = DeadOldAddress()
    mailbox.dead = member.user.email
    with mail_in_use(mailbox):
        assert ask(api, member).status == 200
    assert [mail.to for mail in mailbox.sent] == [[NEW]]


def test_killed_before_the_commit_it_can_be_repeated(api: ApiClient, box: MemoryMail, member: Person) -> None:
    token = token_for(api, box, member)
    with fault_at("accounts.before_email_commit", KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        emails.change_email(token=token)
    assert User.objects.get(pk=member.user.pk).email == member.user.email
    emails.change_email(token=token)
    with pytest.raises(TokenRefused):
        emails.change_email(token=token)
    assert User.objects.get(pk=member.user.pk).email == NEW


def test_the_new_address_is_encrypted_on_its_row(api: ApiClient, box: MemoryMail, member: Person) -> None:
    token_for(api, box, member)
    (stored,) = MailedSecret.objects.values_list("new_email", flat=True)
    assert NEW not in str(getattr(stored, "text", stored))
    assert MailedSecret.objects.get().new_email == NEW
    assert MailedSecret.objects.get().expires_at - MailedSecret.objects.get().created_at == timedelta(hours=1)
