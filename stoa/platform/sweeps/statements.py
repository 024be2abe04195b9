"""The SQL of schedules. Both databases run the same statements, but for how a row is locked while it is taken."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from stoa.platform.db.transactions import transaction
from stoa.platform.sweeps.models import Sweep
from stoa.platform.sweeps.registry import LEASE_S, Declared
from stoa.runtime.pause_points import pause_point

SKEW = timedelta(seconds=LEASE_S)
"""Clocks of two machines may differ by less than this. A time further ahead was written before our clock went back,
and nobody may wait until it comes round again."""

_DUE = """(next_at <= %s OR last_started_at > %s OR last_ended_at > %s
    OR (last_ended_at IS NULL AND fresh_at > %s))"""
_FREE = "(lease IS NULL OR lease_until <= %s OR last_started_at > %s)"


@dataclass(frozen=True, slots=True)
class Found:
    """One schedule as a look finds it."""

    name: str
    every_s: int
    due: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """One sweep under our lease. `failures`: how often in a row it failed before."""

    name: str
    lease: UUID
    started_at: datetime
    failures: int


def seed(sweeps: Collection[Declared], *, now: datetime) -> None:
    """A schedule for each; those that exist keep everything but a changed interval. Two at once do no harm."""
    rows = sorted(sweeps, key=lambda each: each.name)  # one order, so that two at once cannot deadlock
    values = ", ".join(["(%s, %s, %s, %s, %s, 0, 0, '')"] * len(rows))
    moment = _time(now)
    with transaction(), connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO sweeps_sweep
                (name, every_s, enabled, next_at, fresh_at, last_count, failures, last_error) VALUES {values}
            ON CONFLICT (name) DO UPDATE SET every_s = excluded.every_s, next_at = excluded.next_at
            WHERE sweeps_sweep.every_s <> excluded.every_s""",
            [value for each in rows for value in (each.name, each.every_s, True, moment, moment)],
        )


def look(names: Collection[str], *, now: datetime) -> list[Found]:
    """Those of the schedules that exist, the longest due first. Takes no lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT name, every_s, CASE WHEN enabled AND {_DUE} AND {_FREE} THEN 1 ELSE 0 END
            FROM sweeps_sweep WHERE name IN ({", ".join(["%s"] * len(names))}) ORDER BY next_at, name""",
            [*_due(now), *_free(now), *names],
        )
        return [Found(name, every_s, due == 1) for name, every_s, due in cursor.fetchall()]


def take(name: str, *, lease: UUID, lease_s: int, now: datetime) -> Taken | None:
    """Put a due sweep under our lease, by compare-and-set. None: somebody else was faster."""
    skip = "FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    free, moments = f"AND {_FREE} {skip}", [*_due(now), *_free(now)]
    if pause_point("sweeps.lease"):
        free, moments = "", [*_due(now)]
    with transaction(), connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE sweeps_sweep SET lease = %s, lease_until = %s, last_started_at = %s
            WHERE name = (SELECT name FROM sweeps_sweep WHERE name = %s AND enabled AND {_DUE} {free})""",
            [_uuid(lease), _time(now + timedelta(seconds=lease_s)), _time(now), name, *moments],
        )
        if cursor.rowcount != 1:
            return None
        cursor.execute("SELECT failures FROM sweeps_sweep WHERE name = %s", [name])
        return Taken(name, lease, now, cursor.fetchone()[0])


def renew(taken: Taken, *, until: datetime) -> bool:
    """False: the lease ran out and another process has it."""
    with transaction(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sweeps_sweep SET lease_until = %s WHERE name = %s AND lease = %s",
            [_time(until), taken.name, _uuid(taken.lease)],
        )
        return bool(cursor.rowcount == 1)


def finish(taken: Taken, *, now: datetime, next_at: datetime, count: int) -> bool:
    """Note a run that ended well and give the lease back. False: it was no longer ours."""
    return _give_back(
        taken, "last_count = %s, fresh_at = %s, failures = 0, last_error = ''", [count, _time(now)], now, next_at
    )


def fail(taken: Taken, *, now: datetime, next_at: datetime, error: str) -> bool:
    """Note a run that failed and give the lease back. False: it was no longer ours."""
    return _give_back(taken, "failures = failures + 1, last_error = %s", [error], now, next_at)


def _give_back(taken: Taken, words: str, values: list[Any], now: datetime, next_at: datetime) -> bool:
    with transaction(), connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE sweeps_sweep SET lease = NULL, lease_until = NULL, last_ended_at = %s, next_at = %s, {words}
            WHERE name = %s AND lease = %s""",
            [_time(now), _time(next_at), *values, taken.name, _uuid(taken.lease)],
        )
        return bool(cursor.rowcount == 1)


def _due(now: datetime) -> tuple[Any, ...]:
    """The parameters of _DUE."""
    return _time(now), *[_time(now + SKEW)] * 3


def _free(now: datetime) -> tuple[Any, ...]:
    """The parameters of _FREE."""
    return _time(now), _time(now + SKEW)


def _time(moment: datetime) -> Any:
    return Sweep._meta.get_field("next_at").get_db_prep_value(moment, connection)


def _uuid(value: UUID) -> Any:
    return Sweep._meta.get_field("lease").get_db_prep_value(value, connection)
