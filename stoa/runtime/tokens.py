"""Access tokens: made in Django, verified in every process. HS256 only, with a key id so that keys rotate."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

import jwt

from stoa.kit.clock import utc_now
from stoa.kit.errors import Unauthenticated
from stoa.kit.ids import new_id, parse_id
from stoa.runtime.config.current import settings

ISSUER = "stoa"
AUDIENCE = "stoa-api"
_ACCESS = "access"
_ALGORITHM = "HS256"
_CLOCK_SKEW = timedelta(minutes=1)
"""A clock a little behind another host's must not refuse a token made there just now."""
_YEAR_9999_S = 253_370_764_800
_REQUIRED = ["iss", "aud", "sub", "sid", "jti", "iat", "exp", "typ"]


class TokenEnded(Unauthenticated):
    """Ours and in order, but of yesterday: the same answer over HTTP, while a socket is told to come back with another."""


@dataclass(frozen=True, slots=True)
class AccessClaims:
    user_id: UUID
    session_id: UUID
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, eq=False)
class SigningKeys:
    """The first signs, all verify. Equal only to itself: other keys, other verdicts."""

    first: str
    secrets: Mapping[str, bytes]


def make_access_token(*, user_id: UUID, session_id: UUID, now: datetime | None = None) -> str:
    issued = now or utc_now()
    keys = signing_keys()
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(user_id),
        "sid": str(session_id),
        "jti": new_id(),
        "iat": issued,
        "exp": issued + timedelta(minutes=settings().jwt_access_token_lifetime_minutes),
        "typ": _ACCESS,
    }
    return jwt.encode(claims, keys.secrets[keys.first], algorithm=_ALGORITHM, headers={"kid": keys.first})


def read_access_token(token: str) -> AccessClaims:
    """Signature, issuer, audience, life and type; not whether the session still lives. Raises Unauthenticated."""
    claims = _verified(token, signing_keys())
    now = utc_now()
    if claims.expires_at <= now:
        raise TokenEnded
    if claims.issued_at > now + _CLOCK_SKEW:
        raise Unauthenticated
    return claims


@lru_cache(maxsize=4096)
def _verified(token: str, keys: SigningKeys) -> AccessClaims:
    """Everything about a token that time does not change, kept because a client sends the same one for minutes: the
    check of a signature takes longer than the query for its session. Raises Unauthenticated, which is not kept."""
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        secret = keys.secrets.get(kid) if isinstance(kid, str) else None
        if secret is None:
            raise Unauthenticated
        claims = jwt.decode(
            token,
            secret,
            algorithms=[_ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            # Life is judged by the caller, on every request.
            options={"require": _REQUIRED, "verify_iat": False, "verify_exp": False},
        )
    except jwt.PyJWTError:
        raise Unauthenticated from None
    user_id, session_id = parse_id(str(claims["sub"])), parse_id(str(claims["sid"]))
    issued, expires = claims["iat"], claims["exp"]
    if claims["typ"] != _ACCESS or user_id is None or session_id is None or not are_times(issued, expires):
        raise Unauthenticated
    return AccessClaims(user_id, session_id, datetime.fromtimestamp(issued, UTC), datetime.fromtimestamp(expires, UTC))


def are_times(*values: object) -> bool:
    """Whether these claims are moments that a datetime can hold."""
    return all(isinstance(value, int | float) and 0 <= value < _YEAR_9999_S for value in values)


def signing_keys() -> SigningKeys:
    """Those in force, for whatever else this installation signs under them."""
    current = settings()
    return _derive(
        current.jwt_keys.get_secret_value() if current.jwt_keys else "",
        current.jwt_secret.get_secret_value() if current.jwt_secret else "",
        current.django_secret_key.get_secret_value(),
    )


@lru_cache(maxsize=4)
def _derive(pairs: str, secret: str, django_secret: str) -> SigningKeys:
    """JWT_KEYS, then JWT_SECRET as key `main`, else a key derived from Django's secret, equal in all processes."""
    secrets: dict[str, bytes] = {}
    for pair in filter(None, (pair.strip() for pair in pairs.split(","))):
        kid, _, value = pair.partition(":")
        secrets[kid] = value.encode()
    if secret:
        secrets.setdefault("main", secret.encode())
    if not secrets:
        secrets["derived"] = hmac.digest(django_secret.encode(), b"stoa access tokens", hashlib.sha256).hex().encode()
    return SigningKeys(next(iter(secrets)), secrets)
