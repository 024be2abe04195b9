"""When sockets are written to: at once while it is quiet, at most every ten milliseconds when it is not.

Frames that come within one tick leave in one write. One timer for the process, not one a socket."""

import asyncio
from typing import Protocol

LONGEST_TICK_S = 0.010

type Joined = dict[tuple[bytes, ...], bytes]
"""What was put together in this tick already: the five hundred in a room mostly wait for the same frames."""


class Flushable(Protocol):
    def flush(self, joined: Joined) -> None: ...


class Ticker:
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due: dict[Flushable, None] = {}
        self._last_s = 0.0

    def mark(self, socket: Flushable) -> None:
        """It has something to write."""
        if not self._due:
            wait = self._last_s + LONGEST_TICK_S - self._loop.time()
            if wait <= 0:
                self._loop.call_soon(self._tick)
            else:
                self._loop.call_later(wait, self._tick)
        self._due[socket] = None

    def _tick(self) -> None:
        self._last_s = self._loop.time()
        due, self._due = self._due, {}
        joined: Joined = {}
        for socket in due:
            socket.flush(joined)
