"""Between Django and the gateways: what is published, what is commanded, and where both lie in Redis.

A publication is a JSON object `{id, type, at, request_id, data}`. In Redis, for a channel C:

- `stoa:rt:meta:C`    hash: `epoch`, `top` (the offset of the last durable event);
- `stoa:rt:stream:C`  stream: the history, entry `<offset>-0`, field `p` the publication;
- `stoa:rt:seen:C:<id>`  the offset an event already has, so that a repeated publication gets no second one;
- `stoa:rt:live:C`    Pub/Sub: `d <epoch> <offset> <publication>` or `e <publication>` (ephemeral);
- `stoa:rt:control`   Pub/Sub: one of the commands below as JSON;
- `stoa:rt:ticket:<jti>`  a ticket that was used.
"""

from typing import Any, Literal
from uuid import UUID

import orjson

from stoa.kit.contract import Contract

HISTORY_EVENTS = 512
"""Durable events a channel keeps; who missed more refetches."""
HISTORY_S = 600
"""For so long after its last event a channel's history stays."""
META_S = 86_400
"""The epoch outlives the history, so that an idle client still recovers nothing from nothing."""

CONTROL = "stoa:rt:control"
LIVE = "stoa:rt:live:"


class Publication(Contract):
    channel: str
    id: UUID
    type: str
    at: str
    request_id: str
    data: dict[str, Any]
    ephemeral: bool = False


class Position(Contract):
    epoch: str
    offset: int


class Revoke(Contract):
    """Close the sockets of a session, or with `session_id` None all of a user's, with 3503."""

    command: Literal["revoke"] = "revoke"
    user_id: UUID
    session_id: UUID | None = None


class EndSubscription(Contract):
    """A membership ended: take the channel from all of a user's sockets."""

    command: Literal["end_subscription"] = "end_subscription"
    user_id: UUID
    channel: str


type Command = Revoke | EndSubscription


def body_of(publication: Publication) -> bytes:
    """What Redis and the histories hold. Raises TypeError for data that JSON cannot hold."""
    return orjson.dumps(
        {
            "id": publication.id,
            "type": publication.type,
            "at": publication.at,
            "request_id": publication.request_id,
            "data": publication.data,
        }
    )


def meta_key(channel: str) -> str:
    return f"stoa:rt:meta:{channel}"


def stream_key(channel: str) -> str:
    return f"stoa:rt:stream:{channel}"


def seen_key(channel: str, event_id: UUID) -> str:
    return f"stoa:rt:seen:{channel}:{event_id}"


def ticket_key(jti: str) -> str:
    return f"stoa:rt:ticket:{jti}"


PUBLISH_SCRIPT = """
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then
  epoch = ARGV[2]
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'top', 0)
end
local before = redis.call('GET', KEYS[3])
if before and string.sub(before, 1, #epoch + 1) == epoch .. ' ' then
  return {epoch, tonumber(string.sub(before, #epoch + 2)), 0}
end
local offset = redis.call('HINCRBY', KEYS[1], 'top', 1)
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], offset .. '-0', 'p', ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('SET', KEYS[3], epoch .. ' ' .. offset, 'EX', ARGV[4])
redis.call('PUBLISH', KEYS[4], 'd ' .. epoch .. ' ' .. offset .. ' ' .. ARGV[1])
return {epoch, offset, 1}
"""
"""KEYS meta, stream, seen, live; ARGV publication, an epoch if none is there, HISTORY_EVENTS, HISTORY_S, META_S.
Returns epoch, offset and 1, or 0 for an event that already had its offset."""

HISTORY_SCRIPT = """
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then
  epoch = ARGV[1]
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'top', 0)
end
redis.call('EXPIRE', KEYS[1], ARGV[4])
local top = tonumber(redis.call('HGET', KEYS[1], 'top'))
local since = tonumber(ARGV[3])
if ARGV[2] ~= epoch or since > top then return {epoch, top, 0, {}} end
if since == top then return {epoch, top, 1, {}} end
local entries = redis.call('XRANGE', KEYS[2], (since + 1) .. '-0', '+', 'COUNT', ARGV[5])
local first = #entries > 0 and tonumber(string.match(entries[1][1], '^%d+')) or 0
if first ~= since + 1 or #entries ~= top - since then return {epoch, top, 0, {}} end
return {epoch, top, 1, entries}
"""
"""KEYS meta, stream; ARGV an epoch if none is there, the epoch and offset asked for, META_S, at most so many entries.
Returns epoch, top, 1 when everything since is there, and then those entries."""
