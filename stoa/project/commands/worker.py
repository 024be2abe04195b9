"""`stoa worker`: what happens a second later, without a broker. The outbox, the sweeps, and a sign of life."""

import logging
import os
import signal
import threading
from functools import partial

import django
from django.db import connections

from stoa.project.commands.ground import name_django_settings, require_database_rules, require_writable
from stoa.project.supervisor import watch_parent
from stoa.project.threads import Loop, keep_running
from stoa.runtime.config.current import settings
from stoa.runtime.logs import get_logger
from stoa.runtime.process import declare_role

STOP_WITHIN_S = 4.0
"""Of the five seconds that a stop may take. What is cut off is done again when its lease has run out."""

log = get_logger(__name__)


def work(*, parent: int | None) -> int:
    """Until SIGINT or SIGTERM; then 0. Raises CannotStart when a folder is not writable or a
    trigger is missing."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    declare_role("worker")
    require_writable(settings())
    if parent is not None:
        watch_parent(parent)
    name_django_settings()
    django.setup()
    require_database_rules()
    log.info("worker started")
    stuck = keep_running(_loops(), stop, grace_s=STOP_WITHIN_S)
    if stuck:
        log.warning("worker stopped in the middle; the rest is done again later", loops=stuck)
        logging.shutdown()
        os._exit(0)  # a thread that hangs would hold up the interpreter's own end
    connections.close_all()
    log.info("worker stopped")
    return 0


def _loops() -> list[Loop]:
    from stoa.platform.outbox.worker import run_until as deliver_until  # noqa: PLC0415 - models, so after the setup
    from stoa.platform.sweeps.heartbeats import beat_until  # noqa: PLC0415 - the same
    from stoa.platform.sweeps.running import run_until as sweep_until  # noqa: PLC0415 - the same

    return [
        Loop("outbox", deliver_until),
        Loop("sweeps", sweep_until),
        Loop("heartbeat", partial(beat_until, role="worker")),
    ]
