"""From a publication's bytes to the frame that subscribers get: read once, made once, whoever listens."""

from typing import NamedTuple

import orjson

from stoa.kit.ids import parse_id
from stoa.wire.client_frames import LARGEST_FRAME

_TEXTS = ("type", "at", "request_id")


class PoisonEvent(Exception):
    """It cannot be a frame. The reason never repeats what it holds."""


class EventFrame(NamedTuple):
    body: bytes
    id: str
    type: str
    request_id: str


def durable_frame(channel: str, epoch: str, offset: int, body: bytes) -> EventFrame:
    """Raises PoisonEvent."""
    return _frame(channel, epoch, offset, body)


def ephemeral_frame(channel: str, epoch: str, body: bytes) -> bytes:
    """Raises PoisonEvent."""
    return _frame(channel, epoch, None, body).body


def _frame(channel: str, epoch: str, offset: int | None, body: bytes) -> EventFrame:
    if len(body) > LARGEST_FRAME:
        raise PoisonEvent("too large")
    try:
        event = orjson.loads(body)
    except ValueError:
        raise PoisonEvent("not JSON") from None
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
        raise PoisonEvent("no data")
    if any(not isinstance(event.get(name), str) for name in _TEXTS) or parse_id(str(event.get("id"))) is None:
        raise PoisonEvent("a field is missing")
    head = {"op": "event", "channel": channel, "epoch": epoch, "offset": offset}
    said = orjson.dumps(head | {name: event[name] for name in ("id", *_TEXTS, "data")})
    return EventFrame(said, event["id"], event["type"], event["request_id"])
