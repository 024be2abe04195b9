"""Who works in the background: one row a process, renewed every five seconds, taken away at a clean end.

On a connection of its own, outside Django's pool: a worker whose pool is used up is busy, not dead, and the main
process of a Celery worker forks, which no pool survives.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend

from stoa.kit.clock import utc_now
from stoa.kit.ids import new_uuid
from stoa.platform.sweeps.models import Heartbeat
from stoa.runtime.logs import get_logger

BEAT_EVERY_S = 5.0
SILENT_AFTER = timedelta(seconds=15)
_SLOTS = 1000

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pulse:
    """One process. `silent`: it has not beaten for 15 s, or its clock is as far ahead."""

    role: str
    slot: int
    pid: int
    started_at: datetime
    beat_at: datetime
    silent: bool


def pulses(*, now: datetime | None = None) -> tuple[Pulse, ...]:
    """Every process that has a row, by role and slot."""
    moment = now or utc_now()
    rows = Heartbeat.objects.order_by("role", "slot").values_list("role", "slot", "pid", "started_at", "beat_at")
    return tuple(Pulse(*row, silent=abs(moment - row[4]) > SILENT_AFTER) for row in rows)


class Beating:
    """The heartbeat of this process: `beat()` often, `end()` at the end. For one thread."""

    def __init__(self, role: str, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._role = role
        self._clock = clock
        self._process = new_uuid()
        self._started_at = clock()
        self._database: BaseDatabaseWrapper | None = None

    def beat(self) -> None:
        """Say that we live. The first time, and when our row was given away while we slept, take a slot.

        Raises OperationalError or InterfaceError."""
        with self._cursor() as cursor:
            cursor.execute(
                "UPDATE sweeps_heartbeat SET beat_at = %s WHERE process = %s",
                [self._time(self._clock()), self._uuid(self._process)],
            )
            if cursor.rowcount == 0:
                self._take_slot(cursor)

    def end(self) -> None:
        """Take our row away and close the connection."""
        with self._cursor() as cursor:
            cursor.execute("DELETE FROM sweeps_heartbeat WHERE process = %s", [self._uuid(self._process)])
        self.close()

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _take_slot(self, cursor: Any) -> None:
        now = self._clock()
        ours = [self._uuid(self._process), os.getpid(), self._time(self._started_at), self._time(now)]
        silent = [self._time(now - SILENT_AFTER), self._time(now + SILENT_AFTER)]
        for slot in range(_SLOTS):
            # One statement: a free number, or that of a process which fell silent.
            cursor.execute(
                """INSERT INTO sweeps_heartbeat (process, pid, started_at, beat_at, role, slot)
                VALUES (%s, %s, %s, %s, %s, %s)
                ON CONFLICT (role, slot) DO UPDATE SET process = excluded.process, pid = excluded.pid,
                    started_at = excluded.started_at, beat_at = excluded.beat_at
                WHERE sweeps_heartbeat.beat_at < %s OR sweeps_heartbeat.beat_at > %s""",
                [*ours, self._role, slot, *silent],
            )
            if cursor.rowcount == 1:
                return
        raise RuntimeError(f"{_SLOTS} processes of the role {self._role} are alive")

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        if self._database is None:
            self._database = _unpooled()
        try:
            with self._database.cursor() as cursor:
                yield cursor
        except (OperationalError, InterfaceError):
            self.close()
            raise

    def _time(self, moment: datetime) -> Any:
        return Heartbeat._meta.get_field("beat_at").get_db_prep_value(moment, self._open())

    def _uuid(self, value: UUID) -> Any:
        return Heartbeat._meta.get_field("process").get_db_prep_value(value, self._open())

    def _open(self) -> BaseDatabaseWrapper:
        assert self._database is not None, "only inside _cursor()"
        return self._database


def beat_until(stop: threading.Event, *, role: str) -> None:
    """Until `stop` is set, then say that we left. A database that is away is waited for."""
    beating = Beating(role)
    try:
        while not stop.is_set():
            try:
                beating.beat()
            except (OperationalError, InterfaceError) as error:
                log.warning("no heartbeat: the database is away", error=type(error).__name__)
            stop.wait(BEAT_EVERY_S)
        try:
            beating.end()
        except (OperationalError, InterfaceError):
            log.info("the heartbeat of this process stays behind until it is swept: the database is away")
    finally:
        beating.close()


def _unpooled() -> BaseDatabaseWrapper:
    settings = connections.settings["default"]
    options = {name: value for name, value in settings["OPTIONS"].items() if name != "pool"}
    made: BaseDatabaseWrapper = load_backend(settings["ENGINE"]).DatabaseWrapper(
        {**settings, "OPTIONS": options}, "default"
    )
    return made
