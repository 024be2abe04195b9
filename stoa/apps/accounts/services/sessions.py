"""Signing in, staying in, signing out."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password

from stoa.apps.accounts.contracts import SignedIn, TokenPair
from stoa.apps.accounts.domain import secret_hash
from stoa.apps.accounts.errors import BadCredentials, RefreshRefused
from stoa.apps.accounts.models import Session, User
from stoa.apps.accounts.queries import profile_of, user_by_login
from stoa.apps.accounts.services.closing import admit
from stoa.apps.accounts.services.ending import end_one
from stoa.apps.accounts.services.lockout import Attempt, count_attempt, forgive
from stoa.apps.accounts.services.second_step import answer_second_step, ask_second_step
from stoa.kit.clock import utc_now
from stoa.kit.email import canonical_email
from stoa.kit.errors import Missing
from stoa.kit.ids import parse_id
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import transaction
from stoa.runtime.config.current import settings
from stoa.runtime.pause_points import pause_point
from stoa.runtime.tokens import make_access_token


@dataclass(frozen=True, slots=True)
class Device:
    """What a request tells of the caller's machine, for the list of sessions."""

    agent: str
    address: str


@dataclass(frozen=True, slots=True)
class Proven:
    """Whose password it was, and the guess that still counts against them."""

    user: User
    attempt: Attempt


def sign_in(*, login: str, password: str, device: Device) -> SignedIn:
    """By e-mail or handle. Raises LockedOut, BadCredentials, MfaRequired."""
    proven = prove_password(login=login, password=password, address=device.address, way="password")
    return _finish(user=proven.user, device=device, way="password", attempt=proven.attempt)


def prove_password(*, login: str, password: str, address: str, way: str) -> Proven:
    """Count the guess, then check it; signs nobody in. Raises LockedOut before any password is looked at, and
    BadCredentials after the same work whichever part was wrong."""
    user = user_by_login(canonical_email(login))
    attempt = count_attempt(user=user, login=login, address=address, way=way)
    encoded = user.password if user is not None and user.has_usable_password() else _unusable_hash()
    matches = check_password(password, encoded)
    if user is None or not matches or not may_sign_in(user=user):
        sign_in_failed(user=user, login=login, way=way)
        raise BadCredentials
    return Proven(user, attempt)


def finish_sign_in(*, user: User, device: Device, way: str) -> SignedIn:
    """Sign in somebody who has proven who they are, however they did (`way`, for the trail): their authenticator
    decides whether that was enough. Call it outside a transaction.

    Raises MfaRequired, and BadCredentials for somebody who may not sign in."""
    return _finish(user=user, device=device, way=way, attempt=None)


def finish_second_step(*, token: str, code: str, recovery_code: str, device: Device) -> SignedIn:
    """By the app's code, or by a recovery code where it is not empty. Raises LockedOut, MfaRefused, BadCredentials."""

    def admitted(user: User, way: str) -> SignedIn:
        return _open(user, device, way)

    return answer_second_step(
        token=token, code=code, recovery_code=recovery_code, address=device.address, admitted=admitted
    )


def _finish(*, user: User, device: Device, way: str, attempt: Attempt | None) -> SignedIn:
    if not may_sign_in(user=user):
        raise BadCredentials
    ask_second_step(user=user, way=way, attempt=attempt)
    with transaction():
        opened = _open(user, device, way)
        # Under the lock of the person's row, which _open takes: two at once write the same rows.
        forgive(user=user, address=device.address, attempt=attempt)
    return opened


def _open(user: User, device: Device, way: str) -> SignedIn:
    """Inside the caller's transaction. Asked again: between two steps five minutes may lie."""
    if not may_sign_in(user=user):
        raise BadCredentials
    opened = open_session(user=user, device=device)
    signed_in(user=user, way=way)
    return SignedIn(user=profile_of(user), access=opened.access, refresh=opened.refresh)


def signed_in(*, user: User, way: str) -> None:
    """On the audit trail, inside the caller's transaction. `way` names how, with +totp or
    +recovery_code after a second step."""
    record(action="accounts.signed_in", object_type="user", object_id=user.pk, actor_id=user.pk, after={"way": way})


def sign_in_failed(*, user: User | None, login: str, way: str) -> None:
    """On the audit trail, whoever it was: nobody acted for sure, so there is no actor. What was typed is masked; it
    may be a password that went into the wrong field, so a handle that is nobody's is not kept."""
    known = user.pk if user is not None else ""
    typed = login if user is not None or "@" in login else "unknown"
    with transaction():
        record(
            action="accounts.sign_in_failed",
            object_type="user",
            object_id=known,
            actor_id="",
            after={"way": way, "login": typed},
            severity=Severity.WARNING,
        )


def may_sign_in(*, user: User) -> bool:
    """A demo account's password is public, so it opens nothing where demo data is off."""
    return user.is_active and (settings().demo_data or not user.is_demo)


def open_session(*, user: User, device: Device) -> TokenPair:
    """Insert a session inside the caller's transaction; restores a closed account. Raises BadCredentials for somebody
    erased since their password was checked."""
    family = secrets.token_urlsafe(16)
    session = Session(user=user, agent=device.agent, address=device.address, family_hash=secret_hash(family))
    secret = _arm(session)
    with transaction():
        admit(user=user)
        session.save(force_insert=True)
    return TokenPair(
        access=make_access_token(user_id=user.pk, session_id=session.pk), refresh=f"{session.pk}.{family}.{secret}"
    )


def refresh(*, token: str) -> TokenPair:
    """Exchange a refresh token for the next pair. One compare-and-set: of two at once one wins.

    A spent token sent again, however old, ends the session: two hold copies, and one of them is a thief. A token that
    never was ours ends nothing, or anybody could sign others out. Raises RefreshRefused."""
    session_id, family, secret = _split(token)
    now = utc_now()
    rotated = Session()
    fresh = _arm(rotated)
    with transaction():
        # Columns of this row alone: a condition on the user would become a subquery, which PostgreSQL does not ask
        # again once it has waited for the other writer, and both of two at once would win.
        of_family = Session.objects.filter(pk=session_id, family_hash=secret_hash(family), revoked_at=None)
        current = of_family.filter(expires_at__gt=now)
        if not pause_point("accounts.compare_refresh"):
            current = current.filter(refresh_hash=secret_hash(secret))
        pause_point("accounts.swap_refresh")
        swapped = current.update(refresh_hash=rotated.refresh_hash, last_used_at=now, expires_at=rotated.expires_at)
        user = Session.objects.select_related("user").get(pk=session_id).user if swapped else None
        if user is not None and not may_sign_in(user=user):
            raise RefreshRefused
    if user is None:
        end_one(sessions=of_family, action="accounts.refresh_token_reused", severity=Severity.WARNING)
        raise RefreshRefused
    return TokenPair(
        access=make_access_token(user_id=user.pk, session_id=session_id), refresh=f"{session_id}.{family}.{fresh}"
    )


def sign_out(*, token: str) -> None:
    """End the session this refresh token belongs to, spent or not. Unknown and ended ones are no error: the wish is
    fulfilled."""
    try:
        session_id, family, _ = _split(token)
    except RefreshRefused:
        return
    live = Session.objects.filter(pk=session_id, family_hash=secret_hash(family), revoked_at=None)
    end_one(sessions=live, action="accounts.signed_out")


def end_session(*, user_id: UUID, session_id: UUID) -> None:
    """End one of one's own sessions. Raises Missing."""
    live = Session.objects.live(utc_now()).filter(pk=session_id, user_id=user_id)
    if not end_one(sessions=live, action="accounts.session_ended"):
        raise Missing


def _arm(session: Session) -> str:
    """Give the session a new refresh secret and a new life; returns the secret, which is stored nowhere."""
    secret = secrets.token_urlsafe(32)
    session.refresh_hash = secret_hash(secret)
    session.expires_at = utc_now() + timedelta(days=settings().jwt_refresh_token_lifetime_days)
    return secret


def _split(token: str) -> tuple[UUID, str, str]:
    """Session, family and secret."""
    session, _, rest = token.partition(".")
    family, _, secret = rest.partition(".")
    session_id = parse_id(session)
    if session_id is None or not family or not secret:
        raise RefreshRefused
    return session_id, family, secret


_spent_on_nobody: list[str] = []


def _unusable_hash() -> str:
    """A real hash of a password nobody knows, so that an unknown e-mail costs the time of a wrong password."""
    if not _spent_on_nobody:
        _spent_on_nobody.append(make_password(secrets.token_urlsafe(32)))
    return _spent_on_nobody[0]
