"""Secrets by mail: asked for in a request, computed and sent after it, used once."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import quote
from uuid import UUID

from stoa.apps.accounts.errors import TokenRefused
from stoa.apps.accounts.events import SecretAsked
from stoa.apps.accounts.models import Errand, MailedSecret, User
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_uuid
from stoa.platform.db.transactions import transaction
from stoa.platform.mail.client import send_mail
from stoa.platform.mail.errors import MailRefused
from stoa.platform.outbox.publishing import publish
from stoa.runtime.config.current import settings
from stoa.runtime.logs import get_logger
from stoa.runtime.pause_points import pause_point
from stoa.runtime.travelling_secrets import hash_of, make_token, matches, new_nonce, row_of

LIFE: Mapping[str, timedelta] = {
    Errand.VERIFY_EMAIL: timedelta(days=2),
    Errand.RESET_PASSWORD: timedelta(hours=1),
    Errand.CHANGE_EMAIL: timedelta(hours=1),
}
MAILS_AN_HOUR = 3
"""Of one kind to one person, whoever asks from wherever: a mailbox must not be filled through us."""

log = get_logger(__name__)


def ask_secret(*, user: User | None, errand: Errand, new_email: str | None = None) -> UUID:
    """Inside the caller's transaction. With nobody as `user` the same statements run, and no mail follows.
    `new_email` is where the mail goes in place of the person's own address.

    Publishes SecretAsked."""
    now = utc_now()
    row = MailedSecret(pk=new_uuid(), user=user, errand=errand, nonce=new_nonce(), created_at=now, new_email=new_email)
    token = make_token(purpose=errand, row_id=row.pk, nonce=row.nonce)
    row.secret_hash = hash_of(token, purpose=errand, row_id=row.pk)
    row.address_hash = address_hash(address=user.email if user is not None else "", row_id=row.pk)
    row.expires_at = now + LIFE[errand]
    row.save(force_insert=True)
    publish(SecretAsked(secret_id=row.pk))
    return row.pk


def mail_secret(*, secret_id: UUID, key: str) -> None:
    """Send the mail, if it is still of use. May run again under the same `key`. Raises MailNotSent, MailRefused."""
    row = MailedSecret.objects.select_related("user").filter(pk=secret_id, used_at=None).first()
    if row is None or row.user is None or not _is_live(row, utc_now()) or not _goes_to(row, row.user):
        return
    if _mails_before(row) >= MAILS_AN_HOUR:
        log.warning("a mailbox gets no more mails of this kind for an hour", errand=row.errand)
        return
    token = make_token(purpose=row.errand, row_id=row.pk, nonce=row.nonce)
    if row.new_email is not None and not _announce_change(row, row.user, row.new_email, key):
        return
    send_mail(
        to=row.new_email or row.user.email,
        template=f"accounts/mail/{row.errand}",
        values={"token": token, "link": _link(row.errand, token)},
        key=key,
    )


def _announce_change(row: MailedSecret, user: User, new_email: str, key: str) -> bool:
    """The old address hears of it before the token leaves, so that nobody loses an account without a word. False for
    an address that somebody has already: its mailbox is told nothing, and neither is whoever asked."""
    if User.objects.filter(email=new_email).exists():
        return False
    try:
        send_mail(to=user.email, template="accounts/mail/change_email_notice", values={}, key=f"{key} notice")
    except MailRefused:
        log.warning("the old address of a change takes no mail", secret=str(row.pk))
    return True


def find_secret(*, token: str, errand: Errand) -> tuple[MailedSecret, User]:
    """The live row that this token opens, and its person. Takes no lock and spends nothing. Raises TokenRefused."""
    row_id = row_of(token)
    if row_id is None:
        raise TokenRefused
    found = MailedSecret.objects.select_related("user").filter(pk=row_id, errand=errand, used_at=None).first()
    if found is None or not matches(token, found.secret_hash, purpose=errand, row_id=found.pk):
        raise TokenRefused
    if found.user is None or not _is_live(found, utc_now()):
        raise TokenRefused
    return found, found.user


def spend_secret(*, row: MailedSecret, user: User) -> None:
    """Inside the caller's transaction, with `user` read under its lock: one compare-and-set, of two at once one wins.

    All others of its kind are void with it. Raises TokenRefused."""
    now = utc_now()
    unspent = MailedSecret.objects.filter(pk=row.pk, expires_at__gt=now)
    if not pause_point("accounts.compare_secret"):
        unspent = unspent.filter(used_at=None)
    pause_point("accounts.spend_secret")
    if not unspent.update(used_at=now) or not _goes_to(row, user):
        raise TokenRefused
    void_secrets(user_id=user.pk, errand=Errand(row.errand))


def void_secrets(*, user_id: UUID, errand: Errand) -> None:
    MailedSecret.objects.filter(user_id=user_id, errand=errand, used_at=None).update(used_at=utc_now())


def forget_secrets(*, limit: int) -> int:
    """Delete up to `limit` that expired; returns how many."""
    old = MailedSecret.objects.filter(expires_at__lt=utc_now()).order_by("expires_at")
    ids = list(old.values_list("pk", flat=True)[:limit])
    with transaction():
        return MailedSecret.objects.filter(pk__in=ids).delete()[0]


def _is_live(row: MailedSecret, now: datetime) -> bool:
    return row.expires_at > now and row.user is not None and row.user.is_active


def _goes_to(row: MailedSecret, user: User) -> bool:
    return row.address_hash == address_hash(address=user.email, row_id=row.pk)


def address_hash(*, address: str, row_id: UUID) -> str:
    """Bound to the row, so that equal addresses are not seen to be equal."""
    return hashlib.sha256(hash_of(address, purpose="address", row_id=row_id).encode()).hexdigest()


def _mails_before(row: MailedSecret) -> int:
    """Rows of the hour before this one: the same count for every attempt of it."""
    earlier = MailedSecret.objects.filter(user=row.user, errand=row.errand)
    since = row.created_at - timedelta(hours=1)
    return earlier.filter(created_at__gt=since, created_at__lte=row.created_at).exclude(pk=row.pk).count()


def _link(errand: str, token: str) -> str:
    """On a page of the client; empty where none is configured."""
    current = settings()
    base = {
        Errand.VERIFY_EMAIL: current.email_verify_url_base,
        Errand.RESET_PASSWORD: current.password_reset_url_base,
        Errand.CHANGE_EMAIL: current.email_change_url_base,
    }[Errand(errand)]
    return f"{base}{'&' if '?' in base else '?'}token={quote(token)}" if base else ""
