"""What the outbox costs and how fast it delivers: `python -m benchmarks.outbox_figures [sqlite|postgresql]`.

The row is written as services write theirs, by the ORM. Beside it, in the same run: the same over a raw INSERT, the
event's own bare INSERT, and a bare Celery call. Each
database is measured in a process of its own, on a scratch database."""

import statistics
import threading
import time
from collections.abc import Callable

from benchmarks.each_database import on_each_database, run
from benchmarks.figures import Figure

PUBLISH_GOAL = {"postgresql": 45, "sqlite": 60}
DELIVER_GOAL_S = {"postgresql": 2, "sqlite": 5}
LATENCY_GOAL_MS = {"postgresql": 100, "sqlite": 300}


def measure(*, smoke: bool) -> list[Figure]:
    found = on_each_database("benchmarks.outbox_figures", smoke=smoke)
    return [figure for vendor, each in found.items() for figure in _figures(vendor, each)]


def _figures(vendor: str, found: dict[str, float]) -> list[Figure]:
    added, goal = found["added_percent"], PUBLISH_GOAL[vendor]
    bare = f"ORM row {found['row_us']:.0f} us, with the event {found['both_us']:.0f}; raw row {found['raw_us']:.0f}, "
    bare += f"to which it adds {(found['raw_both_us'] / found['raw_us'] - 1) * 100:.0f} %; the event's bare INSERT "
    bare += f"{found['insert_us']:.0f}; a bare Celery call {found['celery_us']:.0f}"
    took, limit = found["deliver_s"], DELIVER_GOAL_S[vendor]
    p95, within = found["p95_ms"], LATENCY_GOAL_MS[vendor]
    return [
        Figure(f"publish adds to a one-row transaction, {vendor}", added, "%", bare, f"<= {goal}", added <= goal),
        Figure(
            f"{found['events']:.0f} events to 3 subscribers each, one local worker, {vendor}",
            took,
            "s",
            f"3 bare one-row transactions each {found['floor_s']:.2f}",
            f"< {limit}",
            took < limit,
        ),
        Figure(
            f"commit to delivery, p95, {vendor}", p95, "ms", f"p50 {found['p50_ms']:.1f}", f"< {within}", p95 < within
        ),
    ]


def _one(smoke: bool) -> dict[str, float]:
    from benchmarks.scratch import scratch
    from stoa.runtime.process import declare_role

    declare_role("web")  # who publishes: with a pool, from which the bell takes its connection
    with scratch():
        found = _publishing(rounds=2 if smoke else 9, calls=100 if smoke else 400)
        found |= _delivering(events=200 if smoke else 1000)
        found |= _latency(count=20 if smoke else 200)
    return found


def _publishing(*, rounds: int, calls: int) -> dict[str, float]:
    """Rounds take turns, so that a busy machine slows all alike; the median of them counts."""
    from django.db import connection

    from benchmarks.outbox_subscribers import Measured, one_effect
    from stoa.kit.ids import new_uuid
    from stoa.platform.db.transactions import transaction
    from stoa.platform.health.tasks import health_check
    from stoa.platform.outbox.publishing import publish
    from stoa.platform.outbox.values import stored_uuid
    from tests.probe.models import Note

    def one_row() -> None:
        with transaction():
            Note.objects.create(title="row", owner_id=new_uuid())

    def with_event() -> None:
        with transaction():
            Note.objects.create(title="row", owner_id=new_uuid())
            publish(Measured(number=1))

    def raw_row() -> None:
        with transaction():
            one_effect("row")

    def raw_with_event() -> None:
        with transaction():
            one_effect("row")
            publish(Measured(number=1))

    def bare_insert() -> None:
        with transaction(), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO outbox_event (uid, name, version, key, payload, request_id, occurred_at)"
                " VALUES (%s, 'bench.bare', 1, '', '{}', '', '2026-01-01 00:00:00+00:00')",
                [stored_uuid(new_uuid())],
            )

    measured: dict[str, Callable[[], object]] = {
        "row_us": one_row,
        "both_us": with_event,
        "raw_us": raw_row,
        "raw_both_us": raw_with_event,
        "insert_us": bare_insert,
        "celery_us": _bare_celery(health_check),
    }
    times: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(rounds):
        for name, call in measured.items():
            began = time.perf_counter()
            for _ in range(calls):
                call()
            times[name].append((time.perf_counter() - began) / calls * 1e6)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM outbox_event")
    found = {name: statistics.median(each) for name, each in times.items()}
    ratios = [both / alone for both, alone in zip(times["both_us"], times["row_us"], strict=True)]
    return found | {"added_percent": (statistics.median(ratios) - 1) * 100}


def _bare_celery(task: object) -> Callable[[], object]:
    """One message to a Redis, by an application with nothing else to do."""
    from celery import Celery

    from stoa.runtime.config.current import settings

    app = Celery("bare", broker=settings().redis_address or "redis://127.0.0.1:6379/15", set_as_current=False)
    app.conf.update(task_ignore_result=True, result_expires=1)
    return lambda: app.send_task("bench.nothing", queue="stoa_bench_nothing", expires=1, ignore_result=True)


def _delivering(*, events: int) -> dict[str, float]:
    from django.db import connection

    from benchmarks.outbox_subscribers import Measured, one_effect, register_three
    from stoa.platform.db.transactions import transaction
    from stoa.platform.outbox.publishing import publish
    from stoa.platform.outbox.worker import run_once

    register_three()
    with transaction():
        for number in range(events):
            publish(Measured(number=number))
    done, began = 0, time.perf_counter()
    while done < 3 * events:
        done += run_once().done
    took = time.perf_counter() - began
    began = time.perf_counter()
    for number in range(3 * events):
        with transaction():
            one_effect(f"floor {number}")
    floor = time.perf_counter() - began
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM probe_note WHERE title LIKE 'effect%%'")
        assert cursor.fetchone()[0] == 3 * events
    return {"events": events, "deliver_s": took, "floor_s": floor}


def _latency(*, count: int) -> dict[str, float]:
    """From the return of the commit to the run of the reaction, one at a time, the worker idle in between."""
    from django.db import connections

    from benchmarks.outbox_subscribers import Asked, answer_by
    from stoa.platform.db.transactions import transaction
    from stoa.platform.outbox.publishing import publish
    from stoa.platform.outbox.worker import run_until

    arrived, at = threading.Event(), [0.0]

    def note() -> None:
        at[0] = time.perf_counter()
        arrived.set()

    answer_by(note)
    stop = threading.Event()
    worker = threading.Thread(target=run_until, args=(stop,))
    worker.start()
    took = []
    for number in range(count):
        arrived.clear()
        with transaction():
            publish(Asked(number=number))
        committed = time.perf_counter()
        if not arrived.wait(10):
            raise TimeoutError("not delivered in 10 s")
        took.append((at[0] - committed) * 1000)
        time.sleep(0.03 + number % 7 / 100)
    stop.set()
    worker.join(10)
    connections.close_all()
    took.sort()
    return {"p50_ms": took[len(took) // 2], "p95_ms": took[int(len(took) * 0.95)]}


if __name__ == "__main__":
    run(measure, one=_one)
