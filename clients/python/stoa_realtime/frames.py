"""From stoa/wire by scripts/wire_frames.py; do not edit."""

from typing import Any, Literal, NotRequired, TypedDict

SUBPROTOCOL = "stoa.v1"
FIRST_FINAL = 3500
SHUTDOWN = 3001
EXPIRED = 3005
SLOW = 3008
INSUFFICIENT_STATE = 3010
NO_PONG = 3012
TOO_MANY_REQUESTS = 3013
INVALID_TOKEN = 3500
REVOKED = 3503
CONNECTION_LIMIT = 3504
PERMISSION_DENIED = 3507


class Ready(TypedDict):
    op: Literal["ready"]
    user_id: str
    session_id: str
    expires_at: str


class Subscribed(TypedDict):
    op: Literal["subscribed"]
    channel: str
    epoch: str
    offset: int
    recovered: bool


class Unsubscribed(TypedDict):
    op: Literal["unsubscribed"]
    channel: str
    reason: Literal["asked", "permission"]


class Event(TypedDict):
    op: Literal["event"]
    channel: str
    epoch: str
    offset: int | None
    id: str
    type: str
    at: str
    request_id: str
    data: dict[str, Any]


class Refresh(TypedDict):
    op: Literal["refresh"]
    expires_at: str


class ErrorFrame(TypedDict):
    op: Literal["error"]
    code: str
    message: str
    about: str | None
    channel: str | None


class Pong(TypedDict):
    op: Literal["pong"]


class Auth(TypedDict):
    op: Literal["auth"]
    token: NotRequired[str | None]
    ticket: NotRequired[str | None]


class Subscribe(TypedDict):
    op: Literal["subscribe"]
    channel: str
    epoch: NotRequired[str | None]
    offset: NotRequired[int | None]


class Unsubscribe(TypedDict):
    op: Literal["unsubscribe"]
    channel: str


class Typing(TypedDict):
    op: Literal["typing"]
    thread_id: str
    is_typing: bool


class Presence(TypedDict):
    op: Literal["presence"]
    status: Literal["online", "away", "offline"]


class Ping(TypedDict):
    op: Literal["ping"]


type ServerFrame = Ready | Subscribed | Unsubscribed | Event | Refresh | ErrorFrame | Pong
type ClientFrame = Auth | Subscribe | Unsubscribe | Typing | Presence | Ping
