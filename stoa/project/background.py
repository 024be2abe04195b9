"""How the work in the background does: are there workers, and is the outbox being emptied?"""

import time
from collections.abc import Callable

from django.db import DatabaseError

from stoa.platform.health.verdict import Outcome
from stoa.platform.outbox.status import lag_s
from stoa.platform.sweeps.heartbeats import pulses

LATE_AFTER_S = 60


class NoWorker(Exception):
    """No process has a heartbeat: none was started, or all were stopped."""


class WorkerSilent(Exception):
    """There were workers, and none has beaten for 15 s."""


class OutboxLate(Exception):
    """Something has been due for a minute and nobody delivers it."""


def background_outcomes() -> tuple[Outcome, ...]:
    """Three cheap queries. A database that is away is told by the checks before."""
    return (_outcome("workers", _workers), _outcome("outbox", _outbox))


def _outcome(name: str, look: Callable[[], None]) -> Outcome:
    began = time.monotonic()
    error = None
    try:
        look()
    except (NoWorker, WorkerSilent, OutboxLate, DatabaseError) as fault:
        error = type(fault).__name__
    return Outcome(name=name, ok=error is None, duration_ms=round((time.monotonic() - began) * 1000, 1), error=error)


def _workers() -> None:
    """Of `stoa worker` and of Celery alike: one that beats is enough, a dead one beside it is being replaced."""
    found = pulses()
    if not found:
        raise NoWorker
    if all(pulse.silent for pulse in found):
        raise WorkerSilent


def _outbox() -> None:
    if lag_s() > LATE_AFTER_S:
        raise OutboxLate
