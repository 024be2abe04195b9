"""The bus of one machine: history in this process's memory, events handed in over loopback."""

import secrets
import time
from collections import OrderedDict, deque
from uuid import UUID

import orjson

from stoa.gateway.bus import History, Listener
from stoa.wire.bus import HISTORY_EVENTS, HISTORY_S, META_S, Command, Position, Publication, body_of

MOST_CHANNELS = 10_000
"""Histories kept; the one unused for longest goes first."""


class _Channel:
    __slots__ = ("entries", "epoch", "seen", "top", "used_s")

    def __init__(self) -> None:
        self.epoch, self.top, self.used_s = secrets.token_hex(8), 0, time.monotonic()
        self.entries: deque[tuple[int, bytes, float]] = deque(maxlen=HISTORY_EVENTS)
        self.seen: OrderedDict[UUID, int] = OrderedDict()


class LocalBus:
    is_up = True

    def __init__(self) -> None:
        self._listener: Listener | None = None
        self._channels: OrderedDict[str, _Channel] = OrderedDict()
        self._used: dict[str, float] = {}

    async def start(self, listener: Listener) -> None:
        self._listener = listener

    async def stop(self) -> None:
        self._listener = None

    async def join(self, channel: str) -> None:
        pass

    async def leave(self, channel: str) -> None:
        pass

    async def history(self, channel: str, since: Position | None) -> History:
        kept = self._channel(channel)
        _forget_old(kept)
        if since is None or since.epoch != kept.epoch or since.offset > kept.top:
            return History(kept.epoch, kept.top, recovered=False)
        missed = tuple((offset, body) for offset, body, _ in kept.entries if offset > since.offset)
        if len(missed) != kept.top - since.offset:
            return History(kept.epoch, kept.top, recovered=False)
        return History(kept.epoch, kept.top, recovered=True, missed=missed)

    async def publish(self, publication: Publication) -> Position | None:
        body = body_of(publication)
        if publication.ephemeral:
            if self._listener is not None:
                self._listener.ephemeral(publication.channel, body)
            return None
        kept = self._channel(publication.channel)
        _forget_old(kept)
        if (before := kept.seen.get(publication.id)) is not None:
            return Position(epoch=kept.epoch, offset=before)
        kept.top += 1
        kept.entries.append((kept.top, body, time.monotonic()))
        kept.seen[publication.id] = kept.top
        while len(kept.seen) > HISTORY_EVENTS:
            kept.seen.popitem(last=False)
        if self._listener is not None:
            self._listener.durable(publication.channel, kept.epoch, kept.top, body)
        return Position(epoch=kept.epoch, offset=kept.top)

    async def command(self, command: Command) -> None:
        if self._listener is not None:
            self._listener.command(orjson.dumps(command))

    async def use_once(self, ticket_id: str, life_s: int) -> bool:
        now = time.monotonic()
        for old in [jti for jti, until in self._used.items() if until < now]:
            del self._used[old]
        if ticket_id in self._used:
            return False
        self._used[ticket_id] = now + life_s
        return True

    def _channel(self, name: str) -> _Channel:
        kept = self._channels.get(name)
        if kept is None or time.monotonic() - kept.used_s > META_S:
            kept = self._channels[name] = _Channel()
        kept.used_s = time.monotonic()
        self._channels.move_to_end(name)
        while len(self._channels) > MOST_CHANNELS:
            self._channels.popitem(last=False)
        return kept


def _forget_old(kept: _Channel) -> None:
    if kept.entries and time.monotonic() - kept.entries[-1][2] > HISTORY_S:
        kept.entries.clear()
        kept.seen.clear()
