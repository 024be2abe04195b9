"""Signing in, staying in, signing out."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.db.models import QuerySet

from stoa.apps.accounts.contracts import SignedIn, TokenPair
from stoa.apps.accounts.domain import canonical_email
from stoa.apps.accounts.errors import BadCredentials, RefreshRefused
from stoa.apps.accounts.models import Session, User
from stoa.apps.accounts.queries import profile_of, user_by_login
from stoa.kit.clock import utc_now
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


def sign_in(*, login: str, password: str, device: Device) -> SignedIn:
    """By e-mail or handle. Raises BadCredentials, after the same work whichever part was wrong."""
    user = user_by_login(canonical_email(login))
    encoded = user.password if user is not None else _unusable_hash()
    matches = check_password(password, encoded)
    if user is None or not matches or not may_sign_in(user=user):
        sign_in_failed(user=user, login=login, way="password")
        raise BadCredentials
    with transaction():
        opened = open_session(user=user, device=device)
        signed_in(user=user, way="password")
    return SignedIn(user=profile_of(user), access=opened.access, refresh=opened.refresh)


def signed_in(*, user: User, way: str) -> None:
    """On the audit trail, inside the caller's transaction. `way` is password or admin."""
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
    """Insert a session inside the caller's transaction."""
    family = secrets.token_urlsafe(16)
    session = Session(user=user, agent=device.agent, address=device.address, family_hash=_hash(family))
    secret = _arm(session)
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
        of_family = Session.objects.filter(pk=session_id, family_hash=_hash(family), revoked_at=None)
        current = of_family.filter(expires_at__gt=now)
        if not pause_point("accounts.compare_refresh"):
            current = current.filter(refresh_hash=_hash(secret))
        pause_point("accounts.swap_refresh")
        swapped = current.update(refresh_hash=rotated.refresh_hash, last_used_at=now, expires_at=rotated.expires_at)
        user = Session.objects.select_related("user").get(pk=session_id).user if swapped else None
        if user is not None and not may_sign_in(user=user):
            raise RefreshRefused
    if user is None:
        _end(of_family, "accounts.refresh_token_reused", Severity.WARNING)
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
    live = Session.objects.filter(pk=session_id, family_hash=_hash(family), revoked_at=None)
    _end(live, "accounts.signed_out")


def end_session(*, user_id: UUID, session_id: UUID) -> None:
    """End one of one's own sessions. Raises Missing."""
    if not _end(Session.objects.live(utc_now()).filter(pk=session_id, user_id=user_id), "accounts.session_ended"):
        raise Missing


def _end(session: QuerySet[Session], action: str, severity: Severity = Severity.INFO) -> bool:
    """End at most one session, and say so on the trail; False when there was none to end."""
    with transaction():
        found = session.values_list("pk", "user_id").first()
        if found is None or not session.update(revoked_at=utc_now()):
            return False
        record(action=action, object_type="session", object_id=found[0], actor_id=found[1], severity=severity)
    return True


def _arm(session: Session) -> str:
    """Give the session a new refresh secret and a new life; returns the secret, which is stored nowhere."""
    secret = secrets.token_urlsafe(32)
    session.refresh_hash = _hash(secret)
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


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


_spent_on_nobody: list[str] = []


def _unusable_hash() -> str:
    """A real hash of a password nobody knows, so that an unknown e-mail costs the time of a wrong password."""
    if not _spent_on_nobody:
        _spent_on_nobody.append(make_password(secrets.token_urlsafe(32)))
    return _spent_on_nobody[0]
