"""Acts a second with eight clients: with the trail and its sealer, without the trail, and the same rows into plain tables.

An act inserts one row of business and says so on the trail. Each client is a process with a connection of its own; the
three ways take turns within each round, so that a neighbour on the machine disturbs all alike. Medians of the rounds.
"""

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks.scratch import scratch

CLIENTS = 8
WAYS = ("plain", "off", "on")
_TABLES = (
    "CREATE TABLE bench_act (id bigserial PRIMARY KEY, title varchar(100) NOT NULL)",
    "CREATE TABLE bench_record (LIKE audit_record INCLUDING ALL)",
    "CREATE TABLE bench_detail (LIKE audit_detail INCLUDING ALL)",
    "CREATE TABLE bench_pending (LIKE audit_pending INCLUDING ALL)",
)


def measure(*, seconds: float, rounds: int) -> dict[str, float]:
    """Acts a second by way: `plain` writes the same rows by the same statement into tables that nobody watches."""
    with scratch() as database, tempfile.TemporaryDirectory() as folder:
        from django.db import connection, connections

        if connection.vendor != "postgresql":
            return {}
        with connection.cursor() as cursor:
            for table in _TABLES:
                cursor.execute(table)
        connections.close_all()
        found: dict[str, list[float]] = {way: [] for way in WAYS}
        with ProcessPoolExecutor(CLIENTS, mp_context=get_context("spawn")) as pool:
            list(pool.map(_set_up, [database.url] * CLIENTS * 4))
            for _ in range(rounds):
                for way in WAYS:
                    found[way].append(_round(pool, way, seconds, Path(folder) / "head.json"))
        return {way: statistics.median(figures) for way, figures in found.items()}


def _round(pool: ProcessPoolExecutor, way: str, seconds: float, head: Path) -> float:
    from django.db import connection

    from stoa.platform.audit.sealing import seal_pending

    stop = threading.Event()

    def seal() -> None:
        while not stop.wait(1.0):
            seal_pending(path=head)
        connection.close()

    sealer = threading.Thread(target=seal)
    if way == "on":
        sealer.start()
    try:
        done = sum(pool.map(_act_for, [way] * CLIENTS, [seconds] * CLIENTS))
    finally:
        stop.set()
        if way == "on":
            sealer.join()
            seal_pending(path=head)
            connection.close()
    return done / seconds


def _set_up(url: str) -> None:
    import os

    os.environ["DATABASE_URL"] = url
    os.environ["DJANGO_SETTINGS_MODULE"] = "stoa.project.settings.testing"
    import django

    django.setup()
    time.sleep(0.2)  # so that each process of the pool takes one


def _act_for(way: str, seconds: float) -> int:
    from stoa.runtime import context

    act, done, until = _act(way), 0, time.monotonic() + seconds
    with context.scope(user_id="01a1f8ec-407b-73a7-8378-ce56ae6fb93a", address="203.0.113.7", agent="bench"):
        while time.monotonic() < until:
            act(done)
            done += 1
    return done


def _act(way: str) -> Callable[[int], None]:
    from django.db import connection

    from stoa.platform.audit import recording
    from stoa.platform.db.transactions import transaction
    from stoa.runtime.config.current import settings

    current = settings().model_copy(update={"enable_audit_logging": way != "off"})
    recording.settings = lambda: current  # type: ignore[attr-defined]  # this process only measures
    if way == "plain":
        recording._ALL_AT_ONCE = recording._ALL_AT_ONCE.replace("audit_", "bench_")
    elif "bench_" in recording._ALL_AT_ONCE:
        recording._ALL_AT_ONCE = recording._ALL_AT_ONCE.replace("bench_", "audit_")

    def act(number: int) -> None:
        with transaction():
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO bench_act (title) VALUES (%s) RETURNING id", [f"act {number}"])
                made = cursor.fetchone()[0]
            recording.record(
                action="bench.done", object_type="bench", object_id=made, before={"state": "a"}, after={"state": "b"}
            )

    return act
