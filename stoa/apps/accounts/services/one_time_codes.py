"""Six digits by mail or text message: asked for in a request, computed and sent after it, used once.

Signing in by one needs no password, so they go only to what was shown to be the person's: a verified e-mail or number.
"""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.db.models import F, QuerySet
from django.utils.crypto import constant_time_compare

from stoa.apps.accounts.contracts import SignedIn
from stoa.apps.accounts.errors import BadCredentials, NoPhone, OtpRefused, WrongCode
from stoa.apps.accounts.events import CodeAsked, ProfileChanged
from stoa.apps.accounts.models import CodePurpose, CodeWay, OneTimeCode, User
from stoa.apps.accounts.queries import user_by_login
from stoa.apps.accounts.services.lockout import account_key, count_attempt, take_back
from stoa.apps.accounts.services.mailed_secrets import address_hash
from stoa.apps.accounts.services.own_password import prove_own_password
from stoa.apps.accounts.services.sessions import Device, finish_sign_in, may_sign_in
from stoa.kit.clock import utc_now
from stoa.kit.email import canonical_email
from stoa.kit.errors import DomainError
from stoa.kit.ids import new_uuid
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import transaction
from stoa.platform.mail.client import send_mail
from stoa.platform.outbox.publishing import publish
from stoa.platform.sms.client import send_sms
from stoa.runtime.logs import get_logger
from stoa.runtime.pause_points import pause_point
from stoa.runtime.travelling_secrets import hash_of, make_code, matches, new_nonce

LIFETIME = timedelta(minutes=5)
TRIES = 5
CODES_AN_HOUR = 5
"""To one person, whoever asks from wherever: neither a mailbox nor a phone must be filled through us."""

log = get_logger(__name__)


def ask_sign_in_code(*, login: str, way: CodeWay) -> UUID:
    """For an e-mail or handle. The same work and answer for one that is nobody's, or whose address or number was never
    verified. Publishes CodeAsked."""
    user = user_by_login(canonical_email(login))
    known = user if user is not None and may_sign_in(user=user) and _reachable(user, way) else None
    with transaction():
        return _ask(user=known, account=account_key(user=user, login=login), purpose=CodePurpose.SIGN_IN, way=way)


def ask_phone_code(*, user_id: UUID, password: str, address: str) -> UUID:
    """To the number in one's own profile. With the password: a verified number is a way to sign in, which a stolen
    access token must not add. Publishes CodeAsked. Raises WrongPassword, LockedOut, NoPhone."""
    user = prove_own_password(user_id=user_id, password=password, address=address, way="verify_phone")
    if user.phone is None:
        raise NoPhone
    with transaction():
        return _ask(
            user=user, account=account_key(user=user, login=""), purpose=CodePurpose.VERIFY_PHONE, way=CodeWay.SMS
        )


def send_code(*, code_id: UUID, key: str) -> None:
    """Send the digits, if they are still of use. May run again under the same `key`. Raises MailNotSent, MailRefused,
    SmsNotSent."""
    row = _live(code_id).select_related("user").first()
    if row is None or row.user is None or not _goes_to(row, row.user):
        return
    if _codes_before(row) >= CODES_AN_HOUR:
        log.warning("nobody gets more codes than this an hour", way=row.way)
        return
    code = make_code(purpose=_hmac_purpose(row), row_id=row.pk, nonce=row.nonce)
    if row.way == CodeWay.EMAIL:
        send_mail(to=row.user.email, template="accounts/mail/one_time_code", values={"code": code}, key=key)
    else:
        send_sms(to=_address(row.user, CodeWay.SMS), text=f"{code} is your code. Give it to nobody.", key=key)


def sign_in_with_code(*, code_id: UUID, code: str, device: Device) -> SignedIn:
    """Spend a code, then sign in. Killed between the two, the person asks for another: better than a code that works
    twice. Raises LockedOut, OtpRefused, MfaRequired."""
    row = _live(code_id).select_related("user").filter(purpose=CodePurpose.SIGN_IN).first()
    if row is None:
        raise OtpRefused
    user = _accept(row=row, code=code, address=device.address, refusal=OtpRefused, admitted=_nothing_more)
    try:
        return finish_sign_in(user=user, device=device, way=f"code_by_{row.way}")
    except BadCredentials:
        raise OtpRefused from None


def verify_phone(*, user_id: UUID, code_id: UUID, code: str, address: str) -> None:
    """One's own number. Locks the person's row; audited. Publishes ProfileChanged. Raises LockedOut, WrongCode."""
    own = _live(code_id).select_related("user").filter(user_id=user_id, purpose=CodePurpose.VERIFY_PHONE)
    row = own.first()
    if row is None:
        raise WrongCode

    def admitted(user: User) -> None:
        user.phone_verified_at = utc_now()
        user.version += 1
        user.save(update_fields=["phone_verified_at", "version"])
        record(
            action="accounts.phone_verified",
            object_type="user",
            object_id=user.pk,
            actor_id=user.pk,
            severity=Severity.NOTICE,
        )
        publish(ProfileChanged(user_id=user.pk, row_version=user.version))

    _accept(row=row, code=code, address=address, refusal=WrongCode, admitted=admitted)


def forget_codes(*, limit: int) -> int:
    """Delete up to `limit` that can no longer count against the hour; returns how many."""
    old = OneTimeCode.objects.filter(expires_at__lt=utc_now() - timedelta(hours=1)).order_by("expires_at")
    return OneTimeCode.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:limit])).delete()[0]


def _ask(*, user: User | None, account: str, purpose: CodePurpose, way: CodeWay) -> UUID:
    now = utc_now()
    row = OneTimeCode(pk=new_uuid(), user=user, account=account, purpose=purpose, way=way, created_at=now)
    row.nonce = new_nonce()
    code = make_code(purpose=_hmac_purpose(row), row_id=row.pk, nonce=row.nonce)
    row.code_hash = hash_of(code, purpose=_hmac_purpose(row), row_id=row.pk)
    row.address_hash = address_hash(address=_address(user, way) if user is not None else "", row_id=row.pk)
    row.expires_at = now + LIFETIME
    row.save(force_insert=True)
    publish(CodeAsked(code_id=row.pk))
    return row.pk


def _accept(
    *, row: OneTimeCode, code: str, address: str, refusal: type[DomainError], admitted: Callable[[User], None]
) -> User:
    """Each try counts for the lockout and for the code, before it is looked at; of two right ones at once one wins.
    `admitted` runs in the transaction that spends the code, under the lock of the person's row."""
    attempt = count_attempt(user=row.user, login="", account=row.account, address=address, way="otp")
    pause_point("accounts.before_try")
    if not _count_try(row.pk):
        take_back(attempt=attempt)
        raise refusal
    pause_point("accounts.try_counted")
    right = matches(code, row.code_hash, purpose=_hmac_purpose(row), row_id=row.pk)
    with transaction():
        # Of nobody's code the same statement, which finds nobody: no person has the id of a code.
        user = User.objects.select_for_update(no_key=True).filter(pk=row.user_id or row.pk).first()
        if right and user is not None and may_sign_in(user=user) and _goes_to(row, user):
            if not _spend(row.pk):
                raise refusal
            take_back(attempt=attempt)
            admitted(user)
            return user
        record(
            action="accounts.otp_failed",
            object_type="user",
            object_id=row.user_id or "",
            actor_id="",
            after={"way": row.way},
            severity=Severity.WARNING,
        )
    raise refusal


def _count_try(code_id: UUID) -> bool:
    """One statement compares and counts: of many at once no more than TRIES are looked at."""
    live = _live(code_id)
    if pause_point("accounts.compare_tries"):
        return bool(live.update(tries=F("tries") + 1))
    return bool(live.filter(tries__lt=TRIES).update(tries=F("tries") + 1))


def _spend(code_id: UUID) -> bool:
    unspent = OneTimeCode.objects.filter(pk=code_id)
    if not pause_point("accounts.compare_code"):
        unspent = unspent.filter(used_at=None)
    pause_point("accounts.spend_code")
    return bool(unspent.update(used_at=utc_now()))


def _live(code_id: UUID) -> QuerySet[OneTimeCode]:
    return OneTimeCode.objects.filter(pk=code_id, used_at=None, expires_at__gt=utc_now())


def _reachable(user: User, way: CodeWay) -> bool:
    return (user.email_verified_at if way == CodeWay.EMAIL else user.phone_verified_at) is not None


def _address(user: User, way: CodeWay) -> str:
    return user.email if way == CodeWay.EMAIL else user.phone or ""


def _goes_to(row: OneTimeCode, user: User) -> bool:
    here = address_hash(address=_address(user, CodeWay(row.way)), row_id=row.pk)
    reachable = row.purpose == CodePurpose.VERIFY_PHONE or _reachable(user, CodeWay(row.way))
    return reachable and constant_time_compare(here, row.address_hash)


def _codes_before(row: OneTimeCode) -> int:
    """Rows of the hour before this one: the same count for every attempt to send it."""
    since = row.created_at - timedelta(hours=1)
    earlier = OneTimeCode.objects.filter(user=row.user, created_at__gt=since, created_at__lte=row.created_at)
    return earlier.exclude(pk=row.pk).count()


def _hmac_purpose(row: OneTimeCode) -> str:
    return f"code {row.purpose}"


def _nothing_more(user: User) -> None:
    """Signing in follows outside the transaction."""
