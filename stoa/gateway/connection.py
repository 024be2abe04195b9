"""One socket: its outbox, and the ways it ends."""

import asyncio
from collections.abc import Callable

from stoa.gateway import figures
from stoa.gateway.outbox import Outbox
from stoa.gateway.protocol import GatewayProtocol, frame_of
from stoa.gateway.ticker import Joined, Ticker
from stoa.wire.close_codes import Close
from stoa.wire.server_frames import ServerFrame, encode

AT_ONCE = 65_536
"""Bytes handed to the transport in one go; beyond its own mark of the same size it asks us to wait."""


class Connection:
    """Sends never wait: what cannot be written now lies in the outbox, and a full outbox closes with 3008."""

    def __init__(self, protocol: GatewayProtocol, ticker: Ticker, outbox: Outbox) -> None:
        self._protocol, self._ticker, self._outbox = protocol, ticker, outbox
        protocol.on_writable = self._resume
        self.closed_with: int | None = None

    def send(self, frame: bytes, *, durable: bool = True) -> None:
        if self.closed_with is not None:
            return
        dropped = self._outbox.dropped
        if not self._outbox.put(frame, durable=durable):
            self.close(Close.SLOW, "too slow; recover by offset")
            return
        if self._outbox.dropped != dropped:
            figures.DROPPED.inc(by=self._outbox.dropped - dropped)
        self._ticker.mark(self)

    def say(self, frame: ServerFrame) -> None:
        self.send(encode(frame).encode())

    def flush(self, joined: Joined) -> None:
        while self._outbox and self._protocol.can_write:
            frames = self._outbox.take(AT_ONCE)
            framed = joined.get(frames)
            if framed is None:
                framed = joined[frames] = frame_of(b"\n".join(frames))
            self._protocol.write_frame(framed)

    def close(self, code: int, reason: str = "") -> None:
        """What waits is still written, except to a slow reader, who will read it from the history."""
        if self.closed_with is not None:
            return
        self.closed_with = code
        if code != Close.SLOW:
            self.flush({})
        self._outbox.clear()
        figures.CLOSED.inc(str(int(code)))
        self._protocol.end(code, reason)

    def _resume(self) -> None:
        if self._outbox:
            self._ticker.mark(self)


class Deadline:
    """One timer that can be moved; it calls once."""

    def __init__(self) -> None:
        self._handle: asyncio.TimerHandle | None = None

    def set(self, after_s: float, call: Callable[[], object]) -> None:
        self.clear()
        self._handle = asyncio.get_running_loop().call_later(max(after_s, 0.0), call)

    def clear(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
