"""Running what is due: the same in the local worker and in the Celery task that beat's tick starts."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, connection

from stoa.kit.clock import utc_now
from stoa.kit.ids import new_uuid
from stoa.platform.sweeps import statements
from stoa.platform.sweeps.registry import Declared, declared
from stoa.platform.sweeps.statements import Taken
from stoa.runtime import context
from stoa.runtime.logs import get_logger
from stoa.runtime.masking import mask_text
from stoa.runtime.pause_points import pause_point

LOOK_EVERY_S = 1.0
TURN_S = 10.0
"""How long one sweep with a long queue may go on before the others that are due have their turn."""
FIRST_WAIT_S = 60
LONGEST_WAIT_S = 3600
ERROR_FROM = 3
"""The third failure in a row is a line at ERROR; the first may be a server that restarts."""
_LONGEST_ERROR = 500

log = get_logger(__name__)

type Clock = Callable[[], datetime]


def run_until(stop: threading.Event, *, clock: Clock = utc_now) -> None:
    """Until `stop` is set. A database that is away is waited for, not died of."""
    try:
        while not stop.is_set():
            try:
                run_due(stop=stop, clock=clock)
            except (OperationalError, InterfaceError) as error:
                log.warning("the sweeps have no database; trying again", error=type(error).__name__)
                connection.close()
            stop.wait(LOOK_EVERY_S)
    finally:
        connection.close()


def run_due(*, stop: threading.Event | None = None, for_s: float = 3600.0, clock: Clock = utc_now) -> int:
    """Run what is due until nothing is, or `for_s` seconds are over, or `stop` is set. Returns how many runs.

    Seeds schedules that are missing, so whoever looks first after a release makes them."""
    stopping = stop or threading.Event()
    until = time.monotonic() + for_s
    runs = 0
    while not stopping.is_set() and time.monotonic() < until:
        taken = _take_next(clock())
        if taken is None:
            break
        _run(declared()[taken.name], taken, stopping, clock)
        runs += 1
    return runs


def _take_next(now: datetime) -> Taken | None:
    sweeps = declared()
    if not sweeps:
        return None
    found = statements.look(sweeps, now=now)
    if {each.name: each.every_s for each in found} != {each.name: each.every_s for each in sweeps.values()}:
        statements.seed(sweeps.values(), now=now)
        found = statements.look(sweeps, now=now)
    for each in found:
        if each.due:
            pause_point("sweeps.due")
            taken = statements.take(each.name, lease=new_uuid(), lease_s=sweeps[each.name].lease_s, now=now)
            if taken is not None:
                return taken
    return None


def _run(sweep: Declared, taken: Taken, stop: threading.Event, clock: Clock) -> None:
    """One turn, with a context of its own, so that its lines can be found by one id."""
    with context.scope(task_id=str(taken.lease), task_name=sweep.name):
        pause_point("sweeps.taken")
        try:
            count, waiting = _batches(sweep, taken, stop, clock)
        except Exception as error:  # noqa: BLE001 - a runner: the failure is kept on the row, told, and tried again later
            _note_failure(sweep, taken, error, clock())
            return
        now = clock()
        # Whichever is earlier: the clock may have gone back while it ran. One run makes up for any number missed.
        next_at = now if waiting else min(taken.started_at, now) + timedelta(seconds=sweep.every_s)
        pause_point("sweeps.before_finish")
        if not statements.finish(taken, now=now, next_at=next_at, count=count):
            log.warning("a sweep took longer than its lease; another process has it", sweep=sweep.name)
        elif count:
            log.info("sweep done", sweep=sweep.name, count=count)


def _batches(sweep: Declared, taken: Taken, stop: threading.Event, clock: Clock) -> tuple[int, bool]:
    """Rows done, and whether more are waiting. Ends early when its turn is over, or the lease is lost."""
    until = time.monotonic() + TURN_S
    total = 0
    while True:
        count = sweep.run(sweep.batch)
        total += count
        if count < sweep.batch:
            return total, False
        if stop.is_set() or time.monotonic() >= until:
            return total, True
        if not statements.renew(taken, until=clock() + timedelta(seconds=sweep.lease_s)):
            return total, True


def retry_after_s(failures: int, every_s: int) -> int:
    """After so many failures in a row: its own interval, at most a minute, doubled each time up to an hour."""
    return min(min(every_s, FIRST_WAIT_S) << min(failures - 1, 20), LONGEST_WAIT_S)


def _note_failure(sweep: Declared, taken: Taken, error: Exception, now: datetime) -> None:
    failures = taken.failures + 1
    wait_s = retry_after_s(failures, sweep.every_s)
    text = mask_text(f"{type(error).__name__}: {error}")[:_LONGEST_ERROR]
    statements.fail(taken, now=now, next_at=now + timedelta(seconds=wait_s), error=text)
    tell = log.error if failures >= ERROR_FROM else log.warning
    tell("sweep failed", sweep=sweep.name, failures=failures, retry_after_s=wait_s, exc_info=error)
