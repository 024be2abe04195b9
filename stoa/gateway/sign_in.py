"""From a credential to whose socket it is; and where a handshake may carry one."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from starlette.websockets import WebSocket

from stoa.gateway.bus import Bus, BusDown
from stoa.gateway.platform_calls import Platform, PlatformAway
from stoa.kit.clock import utc_now
from stoa.kit.errors import Unauthenticated
from stoa.runtime.tickets import LIFE_S, read_ticket
from stoa.runtime.tokens import TokenEnded, read_access_token
from stoa.wire.client_frames import SUBPROTOCOL, TICKET_PROTOCOL, TOKEN_PROTOCOL, Auth
from stoa.wire.close_codes import Close


@dataclass(frozen=True, slots=True)
class Identity:
    user_id: UUID
    session_id: UUID
    expires_at: datetime


class SignInRefused(Exception):
    def __init__(self, code: Close, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


async def sign_in(credential: Auth, *, bus: Bus, platform: Platform) -> Identity:
    """Raises SignInRefused. A ticket is used up even when what follows refuses it."""
    try:
        if credential.token is not None:
            claims = read_access_token(credential.token)
            identity = Identity(claims.user_id, claims.session_id, claims.expires_at)
        else:
            identity = await _by_ticket(credential.ticket or "", bus)
    except TokenEnded:
        raise SignInRefused(Close.EXPIRED, "expired") from None
    except Unauthenticated:
        raise SignInRefused(Close.INVALID_TOKEN, "invalid token") from None
    if identity.expires_at <= utc_now():
        raise SignInRefused(Close.EXPIRED, "expired")
    try:
        lives = await platform.lives(user_id=identity.user_id, session_id=identity.session_id)
    except PlatformAway:
        raise SignInRefused(Close.INSUFFICIENT_STATE, "the session could not be checked") from None
    if not lives:
        raise SignInRefused(Close.REVOKED, "revoked")
    return identity


async def _by_ticket(ticket: str, bus: Bus) -> Identity:
    claims = read_ticket(ticket)
    try:
        first = await bus.use_once(claims.jti, LIFE_S + 1)
    except BusDown:
        # Whether it was used at another gateway cannot be known: it does not pass.
        raise SignInRefused(Close.INSUFFICIENT_STATE, "the ticket could not be checked") from None
    if not first:
        raise Unauthenticated
    return Identity(claims.user_id, claims.session_id, claims.expires_at)


def offered_credential(websocket: WebSocket) -> Auth | None:
    """From the Authorization header or a subprotocol; never from the URL."""
    scheme, _, token = websocket.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return Auth(token=token.strip())
    for offered in websocket.scope.get("subprotocols", ()):
        if offered.startswith(TOKEN_PROTOCOL):
            return Auth(token=offered.removeprefix(TOKEN_PROTOCOL))
        if offered.startswith(TICKET_PROTOCOL):
            return Auth(ticket=offered.removeprefix(TICKET_PROTOCOL))
    return None


def chosen_subprotocol(websocket: WebSocket) -> str | None:
    return SUBPROTOCOL if SUBPROTOCOL in websocket.scope.get("subprotocols", ()) else None


def is_allowed_origin(websocket: WebSocket, allowed: tuple[str, ...]) -> bool:
    """No Origin: no browser. The gateway's own host passes under any port, because there is no cookie to abuse."""
    origin = websocket.headers.get("origin")
    if origin is None or origin in allowed:
        return True
    try:
        theirs, ours = urlsplit(origin).hostname, urlsplit(f"//{websocket.headers.get('host', '')}").hostname
    except ValueError:
        return False
    return theirs is not None and theirs == ours
