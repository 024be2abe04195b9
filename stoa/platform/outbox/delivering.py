"""Expanding events and delivering them: the same functions in the local worker, a Celery task and a test's drain().

Database effects happen exactly once: the row turns done in the transaction of the effect. What leaves the process
happens at least once, under a stable key.
"""

import random
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection

from stoa.kit.clock import utc_now
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox import statements
from stoa.platform.outbox.leasing import claim_due, lease_end
from stoa.platform.outbox.retries import AWAY_S, LAST_ATTEMPT, Abandoned, retry_after_s, waits
from stoa.platform.outbox.statements import Claimed, Lease
from stoa.platform.outbox.subscriptions import read_event, subscriptions
from stoa.runtime import context
from stoa.runtime.config.current import settings
from stoa.runtime.logs import get_logger
from stoa.runtime.masking import mask_text
from stoa.runtime.metrics_series import CountSeries
from stoa.runtime.pause_points import pause_point

EVENTS_AT_ONCE = 500
TOGETHER_S = 0.2
"""Reactions share a transaction for this long at most: SQLite has one writer, and requests wait for it."""
BATCH_S = 120
"""A batch that takes longer gives the rest back: well below Celery's time limit."""
_LONGEST_ERROR = 500

__all__ = ["LeaseLost", "Tally", "UnknownVersion", "claim_due", "deliver", "delivery_key", "expand_events"]

log = get_logger(__name__)

DELIVERIES = CountSeries("stoa_outbox_deliveries", "Attempts at deliveries by result.", ("result",))

_delivery_key: ContextVar[str] = ContextVar("stoa_delivery_key", default="")

type OnFailure = Callable[[Claimed, Exception], None]


class LeaseLost(Exception):
    """Another worker took over because we were too slow; what we did in this transaction must not count."""


class UnknownVersion(Exception):
    """An event or a subscriber that this release does not know: a newer one does, so it is tried again."""


@dataclass(slots=True)
class Tally:
    """What one pass did."""

    expanded: int = 0
    done: int = 0
    failed: int = 0
    handed_over: int = 0

    @property
    def idle(self) -> bool:
        return not (self.expanded or self.done or self.failed or self.handed_over)


def delivery_key() -> str:
    """Inside a `@sends` reaction: the same for every attempt of this delivery, different for any other."""
    return _delivery_key.get()


def expand_events(*, now: datetime | None = None) -> int:
    """One delivery per subscriber for up to 500 events, in one transaction. Returns how many events."""
    if not statements.any_unexpanded():
        return 0
    with transaction():
        if not statements.lock_expansion():
            return 0
        count = statements.expand(tuple(subscriptions().values()), now=now or utc_now(), limit=EVENTS_AT_ONCE)
        pause_point("outbox.expanded")
    return count


def deliver(
    lease: Lease, *, on_failure: OnFailure | None = None, stopping: Callable[[], bool] = lambda: False
) -> Tally:
    """Run everything under this lease; give back what was not begun when `stopping()`, or after BATCH_S.

    Reactions that were never tried share transactions; a failure undoes all of them, and then each runs alone, so
    that one that fails delays only itself."""
    rows = statements.claimed(lease)
    pause_point("outbox.claimed")
    fresh: list[Claimed] = []
    others: list[Claimed] = []
    for row in rows:
        (fresh if row.attempts == 1 and _mode(row) == "reacts" else others).append(row)
    # No two rows of a lease share an ordered key. One that kills its process must not always die before the same others.
    random.shuffle(others)
    batch = _Batch(lease, on_failure)
    alone = batch.react_together(fresh, stopping) if len(fresh) > 1 else fresh
    batch.run_alone([*alone, *others], stopping)
    for result, count in (("done", batch.tally.done), ("failed", batch.tally.failed)):
        if count:
            DELIVERIES.inc(result, by=count)
    return batch.tally


@dataclass(slots=True)
class _Batch:
    lease: Lease
    on_failure: OnFailure | None
    tally: Tally = field(default_factory=Tally)
    began_s: float = field(default_factory=time.monotonic)
    renewed_s: float = field(default_factory=time.monotonic)

    def react_together(self, rows: Sequence[Claimed], stopping: Callable[[], bool]) -> Sequence[Claimed]:
        """Returns the rows that are still to be run alone: all that remain after a failure or a stop."""
        while rows and not stopping():
            try:
                reached = self._one_transaction(rows)
            except Exception as error:  # noqa: BLE001 - a runner: what a reaction raises is recorded when it runs alone
                log.debug("a batch of reactions is taken apart", error=type(error).__name__, size=len(rows))
                _drop_if_broken()
                break
            self.tally.done += reached
            rows = rows[reached:]
            self._renew(rows)
        return rows

    def _one_transaction(self, rows: Sequence[Claimed]) -> int:
        reached, began = 0, time.monotonic()
        with transaction():
            if statements.finish([row.id for row in rows], lease=self.lease.id, now=utc_now()) != len(rows):
                raise LeaseLost
            for row in rows:
                _run(row)
                reached += 1
                if time.monotonic() - began > TOGETHER_S:
                    break
            if reached < len(rows):
                statements.reopen([row.id for row in rows[reached:]], lease=self.lease.id)
            pause_point("outbox.before_commit")
        pause_point("outbox.committed")
        return reached

    def run_alone(self, rows: Sequence[Claimed], stopping: Callable[[], bool]) -> None:
        for number, row in enumerate(rows):
            rest = rows[number:]
            if stopping() or time.monotonic() - self.began_s > BATCH_S:
                statements.release([each.id for each in rest], lease=self.lease.id, now=utc_now(), attempt=1)
                return
            self._renew(rest)
            self._attempt(row)

    def _renew(self, rows: Sequence[Claimed]) -> None:
        """Once half the lease is over: whoever waits for the end of a slow batch is not given to another."""
        if rows and time.monotonic() - self.renewed_s > settings().outbox_lease_s / 2:
            statements.renew([row.id for row in rows], lease=self.lease.id, until=lease_end(utc_now()))
            self.renewed_s = time.monotonic()

    def _attempt(self, row: Claimed) -> None:
        with context.scope(request_id=row.request_id, task_id=str(row.uid), task_name=row.subscriber):
            try:
                if row.attempts > LAST_ATTEMPT:
                    raise Abandoned(f"{LAST_ATTEMPT} attempts and no end of any of them")
                if _mode(row) == "sends":
                    _send(row, self.lease)
                else:
                    _react_alone(row, self.lease)
            except LeaseLost:
                log.warning("a delivery took longer than its lease; another worker has it", subscriber=row.subscriber)
            except Exception as error:  # noqa: BLE001 - a runner: kept on the row, told, and tried again or parked
                self.tally.failed += 1
                _record(row, self.lease, error)
                if self.on_failure is not None:
                    self.on_failure(row, error)
            else:
                self.tally.done += 1


def _drop_if_broken() -> None:
    """A connection that the server ended is opened anew by the next statement, but only once it is closed here."""
    if connection.errors_occurred and not connection.in_atomic_block and not connection.is_usable():
        connection.close()


def _mode(row: Claimed) -> str:
    known = subscriptions().get(row.subscriber)
    return known.mode if known is not None else ""


def _react_alone(row: Claimed, lease: Lease) -> None:
    with transaction():
        if not statements.finish([row.id], lease=lease.id, now=utc_now()):
            raise LeaseLost
        _run(row)
        pause_point("outbox.before_commit")
    pause_point("outbox.committed")


def _send(row: Claimed, lease: Lease) -> None:
    _run(row)
    pause_point("outbox.sent")
    if not statements.finish([row.id], lease=lease.id, now=utc_now()):
        raise LeaseLost


def _run(row: Claimed) -> None:
    known = subscriptions().get(row.subscriber)
    if known is None or row.version not in known.versions:
        raise UnknownVersion(f"{row.subscriber} on {row.name} version {row.version} is not of this release")
    with context.scope(request_id=row.request_id, task_id=str(row.uid), task_name=row.subscriber):
        token = _delivery_key.set(f"{row.subscriber}:{row.uid}")
        try:
            known.reaction(read_event(known.versions[row.version], row.payload))
        finally:
            _delivery_key.reset(token)


def _record(row: Claimed, lease: Lease, error: Exception) -> None:
    wait_s = retry_after_s(row.attempts, error)
    text = mask_text(f"{type(error).__name__}: {error}")[:_LONGEST_ERROR]
    _drop_if_broken()
    if waits(error):
        # Whatever is away says so itself, once; here it would be a line a second for each that waits.
        statements.wait(row.id, lease=lease.id, due_at=utc_now() + timedelta(seconds=AWAY_S), error=text)
        return
    due_at = utc_now() + timedelta(seconds=wait_s or 0)
    statements.put_back(row.id, lease=lease.id, due_at=due_at, parked=wait_s is None, error=text)
    tell = log.error if wait_s is None else log.warning
    tell(
        "delivery parked" if wait_s is None else "delivery failed, will be tried again",
        subscriber=row.subscriber,
        event_name=row.name,
        attempts=row.attempts,
        retry_after_s=wait_s,
        exc_info=error,
    )
