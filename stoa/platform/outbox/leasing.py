"""Claiming what is due: for this process, or to be handed over to another."""

from datetime import datetime, timedelta

from stoa.kit.clock import utc_now
from stoa.kit.ids import new_uuid
from stoa.platform.outbox import statements
from stoa.platform.outbox.statements import Lease
from stoa.platform.outbox.subscriptions import subscriptions
from stoa.runtime.config.current import settings

DELIVERIES_AT_ONCE = 100
WAITS_IN_QUEUE = 5
"""A lease that is handed over lasts this many times longer: it waits for its turn first."""
HANDED_OVER_AT_MOST = 5000
"""Deliveries that may wait in the broker; a longer backlog stays in the database, where it does not run out."""


def lease_end(now: datetime) -> datetime:
    return now + timedelta(seconds=settings().outbox_lease_s)


def handed_over_for_s() -> float:
    return settings().outbox_lease_s * WAITS_IN_QUEUE


def claim_due(*, limit: int = DELIVERIES_AT_ONCE, now: datetime | None = None) -> Lease | None:
    """Put up to `limit` due deliveries under a new lease and count an attempt. None when nothing is due."""
    moment = now or utc_now()
    return _claim(limit, moment, lease_end(moment), attempt=1)


def claim_to_hand_over(*, limit: int = DELIVERIES_AT_ONCE) -> Lease | None:
    """As claim_due(), but the attempt is counted by whoever takes the lease over. None also while enough waits."""
    now = utc_now()
    if statements.handed_over(now, up_to=HANDED_OVER_AT_MOST) >= HANDED_OVER_AT_MOST:
        return None
    return _claim(limit, now, now + timedelta(seconds=handed_over_for_s()), attempt=0)


def take_over(lease: Lease) -> Lease | None:
    """What is still left of a lease that was handed over, under a new one. None when somebody else has it: a broker
    may hand out one message twice."""
    taker = new_uuid()
    ids = statements.take_over(lease.ids, lease=lease.id, taker=taker, until=lease_end(utc_now()))
    return Lease(taker, ids) if ids else None


def give_back(lease: Lease) -> None:
    """A lease that could not be handed over: due again at once, no attempt counted."""
    statements.release(lease.ids, lease=lease.id, now=utc_now(), attempt=0)


def _claim(limit: int, now: datetime, until: datetime, *, attempt: int) -> Lease | None:
    names = tuple(subscriptions())
    if not names or not statements.any_due(now):
        return None
    lease = new_uuid()
    ids = statements.claim(lease=lease, now=now, until=until, limit=limit, names=names, attempt=attempt)
    return Lease(lease, ids) if ids else None
