"""Expanding events and delivering them: the same functions in the local worker, a Celery task and a test's drain().

Database effects happen exactly once: the row turns done in the transaction of the effect. What leaves the process
happens at least once, under a stable key.
"""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from stoa.kit.clock import utc_now
from stoa.kit.ids import new_uuid
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox import statements
from stoa.platform.outbox.retries import retry_after_s
from stoa.platform.outbox.statements import Claimed
from stoa.platform.outbox.subscriptions import Subscription, read_event, subscriptions
from stoa.runtime import context
from stoa.runtime.logs import get_logger
from stoa.runtime.masking import mask_text
from stoa.runtime.pause_points import pause_point

LEASE_S = 60
EVENTS_AT_ONCE = 500
DELIVERIES_AT_ONCE = 100
_LONGEST_ERROR = 500

log = get_logger(__name__)

_delivery_key: ContextVar[str] = ContextVar("stoa_delivery_key", default="")


class LeaseLost(Exception):
    """Another worker took over because we were too slow; what we did in this transaction must not count."""


class UnknownVersion(Exception):
    """An event of a version that this release cannot read: a newer one can, so it is tried again."""


@dataclass(slots=True)
class Tally:
    """What one pass did."""

    expanded: int = 0
    done: int = 0
    failed: int = 0

    @property
    def idle(self) -> bool:
        return not (self.expanded or self.done or self.failed)


def delivery_key() -> str:
    """Inside a `@sends` reaction: the same for every attempt of this delivery, different for any other."""
    return _delivery_key.get()


def expand_events(*, now: datetime | None = None) -> int:
    """One delivery per subscriber for up to 500 events, in one transaction. Returns how many events."""
    with transaction():
        if not statements.lock_expansion():
            return 0
        count = statements.expand(tuple(subscriptions().values()), now=now or utc_now(), limit=EVENTS_AT_ONCE)
        pause_point("outbox.expanded")
    return count


def claim_due(*, limit: int = DELIVERIES_AT_ONCE, now: datetime | None = None) -> UUID | None:
    """Put up to `limit` due deliveries under a new lease. None when nothing is due."""
    names = tuple(subscriptions())
    if not names:
        return None
    moment, lease = now or utc_now(), new_uuid()
    until = moment + timedelta(seconds=LEASE_S)
    with transaction():
        count = statements.claim(lease=lease, now=moment, until=until, limit=limit, names=names)
    return lease if count else None


def deliver(lease: UUID, *, on_failure: Callable[[Claimed, Exception], None] | None = None) -> Tally:
    """Run everything under this lease. Reactions that may share a transaction do; a failure undoes all of them, and
    then each runs alone, so that one that fails delays only itself."""
    tally = Tally()
    rows = statements.claimed(lease)
    pause_point("outbox.claimed")
    reacting = [row for row in rows if _mode(row) == "reacts"]
    if len(reacting) > 1 and _react_together(reacting, lease):
        tally.done += len(reacting)
        reacting = []
    for row in reacting:
        _attempt(row, lease, _react_alone, tally, on_failure)
    for row in rows:
        if _mode(row) == "sends":
            _attempt(row, lease, _send, tally, on_failure)
    return tally


def _mode(row: Claimed) -> str:
    return subscriptions()[row.subscriber].mode


def _react_together(rows: Sequence[Claimed], lease: UUID) -> bool:
    try:
        with transaction():
            if statements.finish([row.id for row in rows], lease=lease, now=utc_now()) != len(rows):
                raise LeaseLost
            for row in rows:
                _run(row)
            pause_point("outbox.before_commit")
    except Exception as error:  # noqa: BLE001 - a runner: whatever a reaction raises is recorded when it runs alone
        log.debug("a batch of reactions is taken apart", error=type(error).__name__, size=len(rows))
        return False
    pause_point("outbox.committed")
    return True


def _react_alone(row: Claimed, lease: UUID) -> None:
    with transaction():
        if not statements.finish([row.id], lease=lease, now=utc_now()):
            raise LeaseLost
        _run(row)
        pause_point("outbox.before_commit")
    pause_point("outbox.committed")


def _send(row: Claimed, lease: UUID) -> None:
    _run(row)
    pause_point("outbox.sent")
    with transaction():
        if not statements.finish([row.id], lease=lease, now=utc_now()):
            raise LeaseLost


def _attempt(
    row: Claimed,
    lease: UUID,
    run: Callable[[Claimed, UUID], None],
    tally: Tally,
    on_failure: Callable[[Claimed, Exception], None] | None,
) -> None:
    with context.scope(request_id=row.request_id, task_id=str(row.uid), task_name=row.subscriber):
        try:
            run(row, lease)
        except LeaseLost:
            log.warning("a delivery took longer than its lease; another worker has it", subscriber=row.subscriber)
        except Exception as error:  # noqa: BLE001 - a runner: the failure is kept on the row, told, and tried again or parked
            tally.failed += 1
            _record(row, lease, error)
            if on_failure is not None:
                on_failure(row, error)
        else:
            tally.done += 1


def _run(row: Claimed) -> None:
    subscription = subscriptions()[row.subscriber]
    with context.scope(request_id=row.request_id, task_id=str(row.uid), task_name=row.subscriber):
        token = _delivery_key.set(f"{row.subscriber}:{row.uid}")
        try:
            subscription.reaction(_event_of(row, subscription))
        finally:
            _delivery_key.reset(token)


def _event_of(row: Claimed, subscription: Subscription) -> object:
    if row.version != subscription.event.version:
        raise UnknownVersion(f"{row.name} version {row.version}; this release reads {subscription.event.version}")
    return read_event(subscription.event, row.payload)


def _record(row: Claimed, lease: UUID, error: Exception) -> None:
    wait_s = retry_after_s(row.attempts, error)
    text = mask_text(f"{type(error).__name__}: {error}")[:_LONGEST_ERROR]
    with transaction():
        due_at = utc_now() + timedelta(seconds=wait_s or 0)
        statements.put_back(row.id, lease=lease, due_at=due_at, parked=wait_s is None, error=text)
    tell = log.error if wait_s is None else log.warning
    tell(
        "delivery parked" if wait_s is None else "delivery failed, will be tried again",
        subscriber=row.subscriber,
        event_name=row.name,
        attempts=row.attempts,
        retry_after_s=wait_s,
        exc_info=error,
    )
