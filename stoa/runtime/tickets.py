"""One-time tickets: what a browser opens a socket with, so that no access token has to travel there.

Signed under the keys of access tokens, for another audience: neither passes for the other. That a ticket is used only
once is for the gateway to remember, by `jti`, as long as the ticket lives."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt

from stoa.kit.clock import utc_now
from stoa.kit.errors import Unauthenticated
from stoa.kit.ids import new_id, parse_id
from stoa.runtime.tokens import ISSUER, are_times, signing_keys

AUDIENCE = "stoa-gateway"
LIFE_S = 30
_TICKET = "ticket"
_ALGORITHM = "HS256"
_REQUIRED = ["iss", "aud", "sub", "sid", "jti", "iat", "exp", "typ", "ends"]


@dataclass(frozen=True, slots=True)
class TicketClaims:
    """`expires_at` is the end of the access token that the ticket stands for, not of the ticket."""

    user_id: UUID
    session_id: UUID
    expires_at: datetime
    jti: str


def make_ticket(*, user_id: UUID, session_id: UUID, expires_at: datetime, now: datetime | None = None) -> str:
    issued = now or utc_now()
    keys = signing_keys()
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(user_id),
        "sid": str(session_id),
        "jti": new_id(),
        "iat": issued,
        "exp": issued + timedelta(seconds=LIFE_S),
        "ends": int(expires_at.timestamp()),
        "typ": _TICKET,
    }
    return jwt.encode(claims, keys.secrets[keys.first], algorithm=_ALGORITHM, headers={"kid": keys.first})


def read_ticket(ticket: str) -> TicketClaims:
    """Everything but whether it was used. Raises Unauthenticated."""
    keys = signing_keys()
    try:
        kid = jwt.get_unverified_header(ticket).get("kid")
        secret = keys.secrets.get(kid) if isinstance(kid, str) else None
        if secret is None:
            raise Unauthenticated
        claims = jwt.decode(
            ticket, secret, algorithms=[_ALGORITHM], audience=AUDIENCE, issuer=ISSUER, options={"require": _REQUIRED}
        )
    except (jwt.PyJWTError, UnicodeError):
        raise Unauthenticated from None
    user_id, session_id = parse_id(str(claims["sub"])), parse_id(str(claims["sid"]))
    if claims["typ"] != _TICKET or user_id is None or session_id is None or not are_times(claims["ends"]):
        raise Unauthenticated
    if parse_id(str(claims["jti"])) is None:
        raise Unauthenticated
    return TicketClaims(user_id, session_id, datetime.fromtimestamp(claims["ends"], UTC), str(claims["jti"]))
