"""What the gateway says. A server message is one or more of these as JSON objects, separated by newlines.

Additive for ever: a client skips an `op` and a field it does not know."""

from typing import Any, Literal
from uuid import UUID

import orjson

from stoa.kit.contract import Contract

EVENT_TYPES = frozenset(
    {
        "message.new",
        "message.updated",
        "message.status",
        "message.reaction",
        "post.deleted",
        "post.gift",
        "typing",
        "presence",
        "notification",
        "feed.new",
        "mentor.delta",
        "org.invite",
        "order.status",
    }
)


class Ready(Contract):
    """Signed in. Sent again after each renewal of the token."""

    op: Literal["ready"] = "ready"
    user_id: UUID
    session_id: UUID
    expires_at: str


class Subscribed(Contract):
    """Every durable event of the channel after `offset` follows, in order.

    `recovered`: nothing is missing since the position that was asked for, and `offset` is that position. Otherwise the
    client refetches what it shows. It may come unasked: history was lost, forget the old position."""

    op: Literal["subscribed"] = "subscribed"
    channel: str
    epoch: str
    offset: int
    recovered: bool


class Unsubscribed(Contract):
    """The subscription ended: asked for, or because the right to it did."""

    op: Literal["unsubscribed"] = "unsubscribed"
    channel: str
    reason: Literal["asked", "permission"]


class Event(Contract):
    """Durable events have an offset; ephemeral ones (typing, presence) have neither offset nor place in the history."""

    op: Literal["event"] = "event"
    channel: str
    epoch: str
    offset: int | None
    id: UUID
    type: str
    at: str
    request_id: str
    data: dict[str, Any]


class Refresh(Contract):
    """The token ends at `expires_at`: send `auth` with another one for the same subject."""

    op: Literal["refresh"] = "refresh"
    expires_at: str


class ErrorFrame(Contract):
    op: Literal["error"] = "error"
    code: str
    message: str
    about: str | None = None
    """The `op` of the frame that was refused. `channel` is set where it named one."""
    channel: str | None = None


class Pong(Contract):
    op: Literal["pong"] = "pong"


type ServerFrame = Ready | Subscribed | Unsubscribed | Event | Refresh | ErrorFrame | Pong


def encode(frame: ServerFrame) -> str:
    """One JSON object on one line. Raises TypeError for data that JSON cannot hold."""
    return orjson.dumps(frame).decode()


def split(message: str) -> list[dict[str, Any]]:
    """The objects of one server message, for clients and tests."""
    return [orjson.loads(line) for line in message.split("\n") if line]
