"""May the balancer send traffic here? Asked often, answered in time whatever hangs, at the cost of one look a second."""

import asyncio
import time
from collections.abc import Callable, Sequence
from threading import Condition, Thread

from django.db import connections

from stoa.platform.health.checks import Check
from stoa.platform.health.drain import is_draining
from stoa.platform.health.migrations import migrations_on_disk
from stoa.platform.health.probe_loop import ProbeLoop
from stoa.platform.health.verdict import Outcome, Verdict
from stoa.runtime.config.current import settings

CLOSING_S = 0.15
"""Of the deadline, kept for closing sockets and for handing over the answer."""
PATIENT_CALLERS = 4
"""Of the threads that the server keeps for probes; were they all to wait here, `/health` would wait with them."""


class Readiness:
    """Runs the checks side by side in a short-lived thread, one at a time; callers share its verdict for `cache_s`.

    `verdict()` returns within `deadline_s`. The drain sign is looked for at every call."""

    def __init__(
        self,
        checks: Sequence[Check],
        *,
        deadline_s: float = 0.85,
        cache_s: float = 1.0,
        draining: Callable[[], bool] = is_draining,
    ) -> None:
        self._checks = tuple(checks)
        self._deadline_s = deadline_s
        self._cache_s = cache_s
        self._draining = draining
        self._changed = Condition()
        self._verdict = _failed(self._checks, "TimeoutError")
        self._known_at = float("-inf")
        self._waiting = 0
        self._refreshing = False

    def verdict(self) -> Verdict:
        checked = self._checked()
        if not self._draining():
            return checked
        drained = Outcome(name="drain", ok=False, duration_ms=0.0, error="Draining")
        return Verdict(checks=(*checked.checks, drained))

    def _checked(self) -> Verdict:
        now = time.monotonic()
        with self._changed:
            if now - self._known_at < self._cache_s:
                return self._verdict
            self._start_refresh()
            if self._waiting >= PATIENT_CALLERS:
                recent = now - self._known_at < self._cache_s + self._deadline_s
                return self._verdict if recent else _failed(self._checks, "TimeoutError")
            self._waiting += 1
            try:
                return self._awaited(now)
            finally:
                self._waiting -= 1

    def _awaited(self, asked_at: float) -> Verdict:
        """Under the lock: a verdict younger than the question, or red at the deadline."""
        while self._known_at < asked_at:
            # The refresh that was under way may have looked before the question, and have just gone.
            self._start_refresh()
            left_s = asked_at + self._deadline_s - time.monotonic()
            if not self._changed.wait(left_s):
                return _failed(self._checks, "TimeoutError", after_s=self._deadline_s)
        return self._verdict

    def _start_refresh(self) -> None:
        if not self._refreshing:
            Thread(target=self._refresh, name="stoa-readiness", daemon=True).start()
            self._refreshing = True

    def _refresh(self) -> None:
        try:
            with asyncio.Runner(loop_factory=ProbeLoop) as runner:
                runner.run(self._look())
        except BaseException as error:
            self._publish(_failed(self._checks, type(error).__name__))  # no descriptor left for a loop, say
            raise
        finally:
            with self._changed:
                self._refreshing = False
                self._changed.notify_all()

    async def _look(self) -> None:
        """Publishes before the loop closes, so that nobody waits for the closing."""
        budget_s = self._deadline_s - CLOSING_S
        found = await asyncio.gather(*(_outcomes(check, budget_s) for check in self._checks))
        self._publish(Verdict(checks=tuple(outcome for outcomes in found for outcome in outcomes)))

    def _publish(self, verdict: Verdict) -> None:
        with self._changed:
            self._verdict = verdict
            self._known_at = time.monotonic()
            self._changed.notify_all()


async def _outcomes(check: Check, budget_s: float) -> list[Outcome]:
    """One entry a name; everything after the first that fails shares its error."""
    times = [time.monotonic()]
    found: list[Outcome] = []

    def enter(name: str, error: str | None = None) -> None:
        times.append(time.monotonic())
        taken = round((times[-1] - times[-2]) * 1000, 1)
        found.append(Outcome(name=name, ok=error is None, duration_ms=taken, error=error))

    task = asyncio.create_task(check.run(enter, budget_s=budget_s))
    # A check keeps its own deadline; this one is for a check that is late in giving up.
    done, _ = await asyncio.wait({task}, timeout=budget_s + CLOSING_S / 2)
    fault = task.exception() if done else TimeoutError()
    for name in check.names[len(found) :]:
        enter(name, type(fault).__name__)
    return found


def _failed(checks: Sequence[Check], error: str, *, after_s: float = 0.0) -> Verdict:
    names = (name for check in checks for name in check.names)
    taken = round(after_s * 1000, 1)
    return Verdict(checks=tuple(Outcome(name=name, ok=False, duration_ms=taken, error=error) for name in names))


def readiness_from_settings(*further: Check) -> Readiness:
    """The default database, its migrations, Redis where it is configured, and `further`. Apps must be loaded."""
    default = connections["default"]
    checks: list[Check] = []
    if default.vendor == "sqlite":
        from stoa.platform.health.sqlite_check import SqliteCheck  # noqa: PLC0415 - only the drivers in use: each is slow to import

        checks.append(SqliteCheck(lambda: default.settings_dict, on_disk=migrations_on_disk))
    else:
        from stoa.platform.health.postgres_check import PostgresCheck  # noqa: PLC0415 - only the drivers in use: each is slow to import

        checks.append(PostgresCheck(lambda: default.settings_dict, on_disk=migrations_on_disk))
    if (address := settings().redis_address) is not None:
        from stoa.platform.health.redis_check import RedisCheck  # noqa: PLC0415 - only the drivers in use: each is slow to import

        checks.append(RedisCheck(address))
    return Readiness([*checks, *further])
