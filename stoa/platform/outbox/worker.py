"""The loop that delivers: expand, claim, run, and wait at the bell when there is nothing to do.

With a broker it hands batches over to Celery instead of running them; the functions that run are the same."""

import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial

from django.db import InterfaceError, OperationalError, connection

from stoa.platform.outbox.delivering import Tally, deliver, expand_events
from stoa.platform.outbox.leasing import claim_due, claim_to_hand_over
from stoa.platform.outbox.statements import Lease
from stoa.platform.outbox.tasks import BrokerAway, hand_over
from stoa.platform.outbox.wake import Bell, bell
from stoa.runtime.config.current import settings
from stoa.runtime.logs import get_logger

LOOK_EVERY_S = 1.0
"""What a lost wake-up costs at most."""

log = get_logger(__name__)

type Run = Callable[[Lease], Tally]


def run_once(run: Run = deliver, *, now: datetime | None = None) -> Tally:
    """One pass: expand what is new, run what is due."""
    tally = Tally(expanded=expand_events(now=now))
    lease = claim_due(now=now)
    if lease is not None:
        ran = run(lease)
        tally.done, tally.failed = ran.done, ran.failed
    return tally


def relay_once() -> Tally:
    """One pass with a broker: expand what is new, send one batch of what is due. Raises BrokerAway."""
    tally = Tally(expanded=expand_events())
    lease = claim_to_hand_over()
    if lease is not None:
        hand_over(lease)
        tally.handed_over = len(lease.ids)
    return tally


def run_until(stop: threading.Event, run: Run | None = None, *, at: Bell | None = None) -> None:
    """Until `stop` is set. A database or a broker that is away is waited for, not died of.

    Without `run`: to Celery when CELERY_BROKER_URL is set, else here."""
    if run is None and settings().celery_broker_url is not None:
        one_pass: Callable[[], Tally] = relay_once
    else:
        one_pass = partial(run_once, run or partial(deliver, stopping=stop.is_set))
    waiting_at = at or bell()
    try:
        while not stop.is_set():
            _pass_or_wait(one_pass, waiting_at, stop)
    finally:
        waiting_at.close()
        connection.close()


def _pass_or_wait(one_pass: Callable[[], Tally], waiting_at: Bell, stop: threading.Event) -> None:
    try:
        if one_pass().idle:
            waiting_at.wait(LOOK_EVERY_S)
    except (OperationalError, InterfaceError) as error:
        log.warning("the outbox worker has no database; trying again", error=type(error).__name__)
        connection.close()
        stop.wait(LOOK_EVERY_S)
    except BrokerAway as error:
        log.warning("the outbox has no broker; trying again", error=type(error.__cause__).__name__)
        stop.wait(LOOK_EVERY_S)
