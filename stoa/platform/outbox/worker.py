"""The loop that delivers: expand, claim, run, and wait at the bell when there is nothing to do."""

import threading
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db import OperationalError, connection

from stoa.platform.outbox.delivering import Tally, claim_due, deliver, expand_events
from stoa.platform.outbox.wake import Bell, bell
from stoa.runtime.logs import get_logger

LOOK_EVERY_S = 1.0
"""What a lost wake-up costs at most."""

log = get_logger(__name__)

type Run = Callable[[UUID], Tally]


def run_once(run: Run = deliver, *, now: datetime | None = None) -> Tally:
    """One pass: expand what is new, run what is due."""
    tally = Tally(expanded=expand_events(now=now))
    lease = claim_due(now=now)
    if lease is not None:
        ran = run(lease)
        tally.done, tally.failed = ran.done, ran.failed
    return tally


def run_until(stop: threading.Event, run: Run = deliver, *, at: Bell | None = None) -> None:
    """Until `stop` is set. A database that is away is waited for, not died of."""
    waiting_at = at or bell()
    try:
        while not stop.is_set():
            try:
                if run_once(run).idle:
                    waiting_at.wait(LOOK_EVERY_S)
            except OperationalError as error:
                log.warning("the outbox worker has no database; trying again", error=type(error).__name__)
                connection.close()
                stop.wait(LOOK_EVERY_S)
    finally:
        waiting_at.close()
        connection.close()
