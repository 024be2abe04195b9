"""Connecting, coming back, resuming."""

import asyncio
import contextlib
import json
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from stoa_realtime import frames

FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 15.0
HANDSHAKE_S = 10.0
RETRY_S = 1.0
IDS_KEPT = 512
"""As many as a channel's history holds: what is older cannot come again."""
_RETRY_AFTER = re.compile(r"retry after (\d+)")


@dataclass(frozen=True, slots=True)
class Load:
    """Load what you show of this channel, then apply the events that follow: it is new, or too much was missed."""

    channel: str


@dataclass(frozen=True, slots=True)
class Event:
    """One event. Durable ones come exactly once and in order; those without an offset (typing) may be missed."""

    frame: frames.Event


@dataclass(frozen=True, slots=True)
class Lost:
    """This channel is not heard: refused, or the right to it ended."""

    channel: str
    code: str


type Said = Load | Event | Lost


class Final(Exception):
    """The gateway closed with 3500 or above: coming back would end the same."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code, self.reason = code, reason


@dataclass(slots=True)
class _Channel:
    epoch: str | None = None
    offset: int = 0
    resuming: bool = False
    """A position was sent and not answered: what comes before the answer will come again, or is told by Load."""
    ids: dict[str, None] = field(default_factory=dict)
    """Of the events told last. A gateway that lost its history may say one again, under another offset."""

    def is_new(self, event_id: str) -> bool:
        if event_id in self.ids:
            return False
        self.ids[event_id] = None
        if len(self.ids) > IDS_KEPT:
            del self.ids[next(iter(self.ids))]
        return True


@dataclass(slots=True)
class RealtimeClient:
    """Use it as a context manager and iterate over it. Where `ticket` raises OSError it is asked again after a pause."""

    url: str
    ticket: Callable[[], Awaitable[str]]
    connections: int = 0
    """How often it was signed in."""
    _channels: dict[str, _Channel] = field(default_factory=dict)
    _said: asyncio.Queue[Said | BaseException] = field(default_factory=asyncio.Queue)
    _socket: ClientConnection | None = None
    _own: str = ""
    _own_asked: bool = False
    _running: asyncio.Task[None] | None = None
    _retries: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._run())
        self._running.add_done_callback(self._ended)
        return self

    async def __aexit__(self, *_: object) -> None:
        for retry in self._retries:
            retry.cancel()
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})  # how it ended was told by the iterator

    async def subscribe(self, channel: str) -> None:
        """Load, and then events, follow as soon as there is a connection, and after each break."""
        self._channels.setdefault(channel, _Channel())
        if self._own:
            await self._send({"op": "subscribe", "channel": channel})

    async def unsubscribe(self, channel: str) -> None:
        if self._channels.pop(channel, None) is not None:
            await self._send({"op": "unsubscribe", "channel": channel})

    def __aiter__(self) -> AsyncIterator[Said]:
        return self

    async def __anext__(self) -> Said:
        """Raises Final, and whatever `ticket` raised that is no matter of the network."""
        said = await self._said.get()
        if isinstance(said, BaseException):
            raise said
        return said

    def _ended(self, run: asyncio.Task[None]) -> None:
        if not run.cancelled() and (error := run.exception()) is not None:
            self._said.put_nowait(error)

    async def _run(self) -> None:
        failures = 0
        while True:
            before = self.connections
            code, reason = await self._connection()
            if code >= frames.FIRST_FINAL:
                raise Final(code, reason)
            failures = 0 if self.connections > before else failures + 1
            await asyncio.sleep(_pause_s(failures, reason))

    async def _connection(self) -> tuple[int, str]:
        """One connection from the handshake to its end: the code it was closed with, 1006 where there was none."""
        try:
            ticket = await self.ticket()
            options: dict[str, Any] = {"compression": None, "open_timeout": HANDSHAKE_S}
            async with connect(self.url, subprotocols=[frames.SUBPROTOCOL], **options) as socket:  # type: ignore[list-item]
                self._socket = socket
                await self._send({"op": "auth", "ticket": ticket})
                async for message in socket:
                    for line in str(message).split("\n"):
                        if line:
                            await self._take(json.loads(line))
        except ConnectionClosed:
            pass
        except (OSError, InvalidHandshake, TimeoutError, EOFError):
            return 1006, ""
        finally:
            closed, self._socket, self._own = self._socket, None, ""
        return (closed.close_code or 1006, closed.close_reason or "") if closed is not None else (1006, "")

    async def _take(self, frame: dict[str, Any]) -> None:
        """What is not known is skipped: a newer gateway says more."""
        match frame["op"]:
            case "ready":
                await self._ready(frame["user_id"])
            case "subscribed":
                await self._subscribed(frame)
            case "event":
                self._event(frame)
            # Asked for: it is no longer there, or was subscribed again meanwhile.
            case "unsubscribed" if frame["reason"] != "asked" and frame["channel"] in self._channels:
                self._lose(frame["channel"], frame["reason"])
            case "refresh":
                with contextlib.suppress(OSError):
                    await self._send({"op": "auth", "ticket": await self.ticket()})
            case "error" if frame["about"] == "subscribe" and frame["channel"] in self._channels:
                self._refused(frame["channel"], frame["code"])

    async def _ready(self, user_id: str) -> None:
        if self._own:
            return  # renewed in place
        self.connections += 1
        self._own, self._own_asked = f"user:{user_id}", False
        self._channels.setdefault(self._own, _Channel())
        for name, channel in self._channels.items():
            channel.resuming = channel.epoch is not None
            if name != self._own:
                await self._ask(name, channel)

    async def _ask(self, name: str, channel: _Channel) -> None:
        asked: dict[str, Any] = {"op": "subscribe", "channel": name}
        if channel.epoch is not None:
            asked |= {"epoch": channel.epoch, "offset": channel.offset}
        await self._send(asked)

    async def _subscribed(self, frame: dict[str, Any]) -> None:
        name = frame["channel"]
        channel = self._channels.get(name)
        if channel is None:
            return
        if name == self._own and channel.resuming and not frame["recovered"] and not self._own_asked:
            # The own channel begins by itself; only now can the position be sent, and be answered for sure.
            self._own_asked = True
            await self._ask(name, channel)
            return
        channel.resuming = False
        channel.epoch, channel.offset = frame["epoch"], frame["offset"]
        if not frame["recovered"]:
            self._said.put_nowait(Load(name))

    def _event(self, frame: dict[str, Any]) -> None:
        channel = self._channels.get(frame["channel"])
        if channel is None or channel.resuming:
            return
        if frame["offset"] is not None:
            if frame["epoch"] != channel.epoch or frame["offset"] <= channel.offset:
                return
            channel.offset = frame["offset"]
            if not channel.is_new(frame["id"]):
                return
        self._said.put_nowait(Event(frame))  # type: ignore[arg-type]  # read from JSON

    def _refused(self, name: str, code: str) -> None:
        if code != "UNAVAILABLE":
            self._lose(name, code)
            return
        retry = asyncio.create_task(self._ask_later(name, self._channels[name], self._socket))
        self._retries.add(retry)  # or it might be collected before its time
        retry.add_done_callback(self._retries.discard)

    async def _ask_later(self, name: str, channel: _Channel, socket: ClientConnection | None) -> None:
        await asyncio.sleep(RETRY_S * random.uniform(0.5, 1.5))
        if self._socket is socket and self._channels.get(name) is channel:
            await self._ask(name, channel)

    def _lose(self, name: str, code: str) -> None:
        del self._channels[name]
        self._said.put_nowait(Lost(name, code))

    async def _send(self, frame: dict[str, Any]) -> None:
        if self._socket is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._socket.send(json.dumps(frame))


def _pause_s(failures: int, reason: str) -> float:
    """Full jitter, or what a gateway that shuts down asks for."""
    asked = _RETRY_AFTER.search(reason)
    if asked is not None:
        return int(asked[1]) / 1000
    return random.uniform(0, min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(failures, 16)))
