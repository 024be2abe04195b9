"""Ringing and hearing the bell: a commit with events in it wakes the worker. Losing a ring costs a second, no effect.

PostgreSQL: NOTIFY from a thread of its own, at most every 20 ms a process, never inside the business transaction
(there it serialises commits: measured 23,600 -> 6,900/s at 8 clients). SQLite: nobody rings, the worker looks at
`PRAGMA data_version`, which costs microseconds and changes with every commit of another connection.
"""

import os
import threading
import time
from collections.abc import Callable
from typing import Protocol

import psycopg
from django.db import InterfaceError, OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from stoa.runtime.logs import get_logger

CHANNEL = "stoa_outbox"
_RING_EVERY_S = 0.02
_LOOK_EVERY_S = 0.02
_KEPT_S = 1.0
"""A ringer at work keeps its connection that long after a ring: taking one from the pool costs as much again
(measured: 270 us a ring, 130 with the connection kept)."""

log = get_logger(__name__)


class _Ringer:
    """One thread a process, started by the first ring; a forked child starts its own."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.rung = threading.Event()
        self.waiting = threading.Event()
        threading.Thread(target=self._run, name="outbox-ringer", daemon=True).start()

    def _run(self) -> None:
        connected = False
        while True:
            self.waiting.set()
            if not self.rung.wait(_KEPT_S if connected else None):
                connection.close()
                connected = False
                continue
            self.waiting.clear()
            self.rung.clear()
            try:
                with connection.cursor() as cursor:
                    cursor.execute(f"NOTIFY {CHANNEL}")
                connected = True
            except (OperationalError, InterfaceError):
                log.info("the outbox bell could not be rung; the worker looks by itself")
                connection.close()
                connected = False
            time.sleep(_RING_EVERY_S)


_ringers: list[_Ringer] = []
_starting = threading.Lock()


def wake() -> None:
    """Tell a worker that there is something. Returns at once."""
    if connection.vendor != "postgresql":
        return
    with _starting:
        if not _ringers or _ringers[-1].pid != os.getpid():
            _ringers[:] = [_Ringer()]
    _ringers[-1].rung.set()


def wait_until_quiet(timeout_s: float = 1.0) -> None:
    """For tests, before they close the database to this process: nothing is being rung any more, or time is up."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until and any(
        each.rung.is_set() or not each.waiting.is_set() for each in _ringers if each.pid == os.getpid()
    ):
        time.sleep(0.002)


class Bell(Protocol):
    """What a worker waits at."""

    def wait(self, seconds: float) -> None:
        """Until somebody rings, or the time is over."""

    def close(self) -> None: ...


class PostgresBell:
    """LISTEN on a connection of its own; a lost connection is opened anew at the next wait."""

    def __init__(self) -> None:
        self._listening: BaseDatabaseWrapper | None = None

    def wait(self, seconds: float) -> None:
        try:
            if self._listening is None:
                self._listening = connections.create_connection("default")
                with self._listening.cursor() as cursor:
                    cursor.execute(f"LISTEN {CHANNEL}")
                return  # what was committed before we listened may not have rung
            raw: psycopg.Connection = self._listening.connection
            for _ in raw.notifies(timeout=seconds, stop_after=1):
                return
        except (OperationalError, psycopg.OperationalError):
            self.close()
            time.sleep(min(seconds, 1.0))

    def close(self) -> None:
        if self._listening is not None:
            raw = self._listening.connection
            if raw is not None:
                raw.close()  # not back into the pool with its LISTEN
            self._listening.close()
            self._listening = None


class SqliteBell:
    """Looks at the file's version number every 20 ms."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen = -1

    def wait(self, seconds: float) -> None:
        until = self._clock() + seconds
        while self._clock() < until:
            version = self._version()
            if version != self._seen:
                self._seen = version
                return
            time.sleep(_LOOK_EVERY_S)

    def close(self) -> None:
        """Nothing is held."""

    def _version(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA data_version")
            return int(cursor.fetchone()[0])


def bell() -> Bell:
    return PostgresBell() if connection.vendor == "postgresql" else SqliteBell()
