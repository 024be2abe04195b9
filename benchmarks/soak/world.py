"""The processes of a soak, how they are killed, and the count at the end."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from django.db import connection
from pydantic import TypeAdapter

import stoa
from benchmarks.soak.child import PLAN, READY, Plan
from benchmarks.soak.subscribers import OUTSIDE, Soaked
from stoa.kit.ids import new_id
from stoa.platform.outbox.models import OutboxDelivery, OutboxEvent
from stoa.platform.testing.databases import url_of_test_database
from stoa.platform.testing.remote_pauses import RemotePause
from tests.probe.models import Note

ROOT = Path(stoa.__file__).parents[1]
LEASE_S = 1
CELERY = (
    *("-m", "celery", "-A", "stoa", "worker", "-Q", "outbox", "-l", "warning", "-I", "benchmarks.soak.celery_side"),
    *("--without-gossip", "--without-mingle", "--without-heartbeat"),
)
SUBSCRIBERS = ("first", "second")

PUBLISHER_POINTS = ("outbox.published", "soak.published")
WORKER_POINTS = ("outbox.expanded", "outbox.claimed", "outbox.before_commit", "outbox.committed", "outbox.sent")
RELAY_POINTS = ("outbox.expanded", "outbox.before_hand_over", "outbox.handed_over")
CELERY_POINTS = ("outbox.taken_over", "outbox.claimed", "outbox.before_commit", "outbox.committed", "outbox.sent")


class Process(subprocess.Popen[bytes]):
    """A child in a session of its own."""

    def __init__(self, folder: Path, *arguments: Any, **options: Any) -> None:
        self.folder = folder
        super().__init__(*arguments, **options)

    @property
    def ready(self) -> bool:
        return (self.folder / READY).exists()


class Unfinished(AssertionError):
    """Not everything was delivered in time."""


@dataclass
class World:
    """One run's own rows, told from any other's by `run`. `killed` counts processes that really died of SIGKILL, and
    `ended_backends` the sessions that PostgreSQL really ended."""

    folder: Path
    broker: str = ""
    run: str = field(default_factory=lambda: new_id()[-12:])
    killed: int = 0
    ended_backends: int = 0
    published: int = 0
    _running: list["Process"] = field(default_factory=list)
    _started: int = 0

    def start(self, role: str, *, events: int = 0, pauses: tuple[RemotePause, ...] = ()) -> "Process":
        """`celery` is a worker in one process, so that a kill at a pause point takes all of it."""
        self._started += 1
        folder = self.folder / f"{role}-{self._started}"
        folder.mkdir()
        # A folder of its own each: who reached a pause point says so by a file there.
        placed = [replace(pause, folder=str(folder)) for pause in pauses]
        plan = Plan(self.run, str(self.folder), self.published, events, placed)
        self.published += events
        (folder / PLAN).write_bytes(TypeAdapter(Plan).dump_json(plan))
        command = CELERY if role.startswith("celery") else ("-m", "benchmarks.soak.child", role)
        pool = ("-P", "solo") if role == "celery" else ("-c", "2") if role == "celery-pool" else ()
        # RabbitMQ lets a queue of commands belong to one worker: a second of the same name ends at its start.
        named = ("-n", f"{self.run}-{self._started}@%h") if role.startswith("celery") else ()
        process = self._spawn(folder, *command, *pool, *named)
        self._running.append(process)
        return process

    def _spawn(self, folder: Path, *arguments: str) -> "Process":
        environ = {
            "PATH": os.environ["PATH"],
            "ENVIRONMENT": "test",
            "DJANGO_SETTINGS_MODULE": "stoa.project.settings.testing",
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": url_of_test_database(),
            "OUTBOX_LEASE_S": str(LEASE_S),
            "LOG_DIR": str(folder / "logs"),
            "ENABLE_CONSOLE_LOGGING": "true",
            **({"CELERY_BROKER_URL": self.broker} if self.broker else {}),
        }
        with (folder / "output.log").open("wb") as output:
            return Process(
                folder,
                [sys.executable, *arguments],
                cwd=folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, process: "Process") -> None:
        """SIGKILL to the process and its children; counted only when it was alive."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        self.killed += process.wait(10) == -signal.SIGKILL

    def died_at_its_point(self, process: "Process", point: str, timeout_s: float = 20.0) -> None:
        """The process has killed itself there. Raises AssertionError when it did not."""
        try:
            status: int | None = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            status = None
        assert status == -signal.SIGKILL, f"{point}: ended with {status}\n{self.output()[-3000:]}"
        self.killed += 1

    def end_backends(self, count: int = 1) -> None:
        """PostgreSQL ends sessions of this run's processes, chosen at random."""
        if connection.vendor != "postgresql":
            return
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'stoa-%%'
                ORDER BY random() LIMIT %s) AS chosen""",
                [count],
            )
            self.ended_backends += sum(1 for (ended,) in cursor.fetchall() if ended)

    def end(self) -> None:
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def output(self) -> str:
        return "\n".join(file.read_text(errors="replace") for file in sorted(self.folder.glob("*/output.log")))

    def wait_until_ready(self, timeout_s: float = 60.0) -> None:
        """All that were started are at work, or have ended. Raises AssertionError."""
        started = _until(lambda: all(each.ready or each.poll() is not None for each in self._running), timeout_s)
        assert started, self.output()[-3000:]

    def wait_until_delivered(self, timeout_s: float = 60.0) -> None:
        """Nothing of this run is unexpanded or pending any more. Raises Unfinished."""
        if not _until(lambda: self.left() == 0, timeout_s):
            raise Unfinished(f"{self.left()} of run {self.run} left after {timeout_s:g} s\n{self.output()[-3000:]}")

    def left(self) -> int:
        mine = OutboxEvent.objects.filter(name=Soaked.name, key__startswith=f"{self.run}:")
        unexpanded = mine.filter(expanded_at=None).count()
        return unexpanded + OutboxDelivery.objects.filter(event__in=mine).exclude(state="done").count()

    def causes(self) -> set[int]:
        titles = Note.objects.filter(title__startswith=f"{self.run}:").values_list("title", flat=True)
        return {int(title.split(":")[1]) for title in titles if title.count(":") == 1}

    def faults(self) -> list[str]:
        """What was lost, doubled or invented; empty when all is well."""
        causes, found = self.causes(), []
        titles = Note.objects.filter(title__startswith=f"{self.run}:").values_list("title", flat=True)
        effects = Counter(title for title in titles if title.count(":") == 2)
        for subscriber in SUBSCRIBERS:
            wanted = {f"{self.run}:{number}:{subscriber}" for number in causes}
            seen = {title for title in effects if title.endswith(subscriber)}
            found += [f"lost: {title}" for title in sorted(wanted - seen)]
            found += [f"without a cause: {title}" for title in sorted(seen - wanted)]
        found += [f"doubled: {title} {count} times" for title, count in effects.items() if count > 1]
        found += self._outside_faults(causes)
        return found

    def _outside_faults(self, causes: set[int]) -> list[str]:
        file = self.folder / OUTSIDE
        lines = file.read_text().splitlines() if file.exists() else []
        keys: dict[int, set[str]] = {}
        for line in lines:
            about, _, key = line.partition(" ")
            keys.setdefault(int(about.split(":")[1]), set()).add(key)
        found = [f"not sent: {number}" for number in sorted(causes - keys.keys())]
        found += [f"sent without a cause: {number}" for number in sorted(keys.keys() - causes)]
        found += [f"sent under {len(each)} keys: {number}" for number, each in keys.items() if len(each) > 1]
        every = [key for each in keys.values() for key in each]
        found += [] if len(set(every)) == len(every) else ["two events were sent under one key"]
        return found

    def sent(self) -> int:
        """Acts outside, repeated ones counted."""
        file = self.folder / OUTSIDE
        return len(file.read_text().splitlines()) if file.exists() else 0


def _until(met: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not met():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.03)
    return True


def points(*, celery: bool) -> dict[str, tuple[str, ...]]:
    """Every named point, by the role that comes to it."""
    if celery:
        return {"publisher": PUBLISHER_POINTS, "relay": RELAY_POINTS, "celery": CELERY_POINTS}
    return {"publisher": PUBLISHER_POINTS, "worker": WORKER_POINTS}


def at_named_points(world: World, chosen: Mapping[str, Sequence[str]]) -> list[str]:
    """One process killed at each of these points, while events are published all the time. Returns where."""
    # Between relays and Celery workers the work must not stop: each needs the other to get to its point. Workers are
    # there first: what waits for them meanwhile would outlive its short lease.
    healthy = [world.start("celery")] if world.broker else []
    doomed: dict[tuple[str, str], Process] = {}
    for role, named in sorted(chosen.items(), key=lambda each: each[0] != "celery"):
        for point in named:
            pauses = (RemotePause(point, "kill"),)
            doomed[role, point] = world.start(role, events=10**6 * (role == "publisher"), pauses=pauses)
        if role == "celery":
            world.wait_until_ready()
    publisher = world.start("publisher", events=10**6)
    healthy += [world.start("relay")] if world.broker else []
    for (role, point), process in doomed.items():
        world.died_at_its_point(process, f"{role} at {point}")
    world.kill(publisher)
    healthy += [] if world.broker else [world.start("worker")]
    world.wait_until_delivered()
    for process in healthy:
        world.kill(process)
    return [f"{role} at {point}" for role, point in doomed]


def at_random(world: World, *, kills: int, seed: int) -> None:
    """Until so many have died while events were published: workers, publishers and, on PostgreSQL, sessions."""
    chosen = random.Random(seed)
    working = ["relay", "celery", "celery"] if world.broker else ["worker", "worker"]
    living = [(role, world.start(role, events=10**6 * (role == "publisher"))) for role in [*working, "publisher"]]
    until = world.killed + kills
    while world.killed < until:
        time.sleep(chosen.uniform(0.0, 0.1))
        if chosen.random() < 0.2:
            world.end_backends(chosen.randint(1, 2))
        place = chosen.randrange(len(living))
        role, process = living[place]
        # One that is still importing has nothing to lose; one that ended by itself is not a kill of ours.
        if process.ready or process.poll() is not None:
            world.kill(process)
            living[place] = (role, world.start(role, events=10**6 * (role == "publisher")))
    for role, process in living:
        if role == "publisher":
            world.kill(process)
    world.wait_until_delivered()
