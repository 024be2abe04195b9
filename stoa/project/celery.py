"""The Celery application, from the typed settings. Imported by the wiring, so that `delay()` works in every process.

Without a broker a task runs where it is called; nothing needs one to start."""

import threading
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init, worker_ready, worker_shutdown
from kombu import Exchange, Queue

from stoa.platform.observability.celery_ids import TASK_CLASS
from stoa.platform.observability.celery_ids import connect as connect_ids
from stoa.project.commands.ground import require_database_rules
from stoa.project.commands.refusal import CannotStart
from stoa.runtime.config.current import settings
from stoa.runtime.config.model import Settings
from stoa.runtime.logs import configure_logging

SOFT_LIMIT_S = 240
HARD_LIMIT_S = 300
QUEUES = ("default", "outbox", "sweeps")
"""One a kind, so that a long queue of one is not in the way of the others; a worker without -Q takes from all."""
ROUTES = {
    "stoa.platform.outbox.*": {"queue": "outbox"},
    "stoa.platform.sweeps.*": {"queue": "sweeps"},
}
TICK_EVERY_S = 5
BEAT_SCHEDULE = {
    "stoa: run the sweeps that are due": {
        "task": "stoa.platform.sweeps.tasks.tick",
        "schedule": TICK_EVERY_S,
        # A tick that nobody took is worth nothing once the next one is there.
        "options": {"queue": "sweeps", "expire_seconds": 2 * TICK_EVERY_S},
    }
}


def celery_options(current: Settings) -> dict[str, Any]:
    broker = current.celery_broker_url.get_secret_value() if current.celery_broker_url else None
    backend = current.celery_result_backend.get_secret_value() if current.celery_result_backend else None
    return {
        "broker_url": broker or "memory://",
        "task_always_eager": broker is None,
        # An error of a task run in place is the task's result, as it is on a worker, and not the caller's exception.
        "task_eager_propagates": False,
        "result_backend": backend or "django-db",
        # An exchange and a key each: queues that share them each get a copy of every message.
        "task_queues": [Queue(name, Exchange(name), routing_key=name) for name in QUEUES],
        "task_default_queue": QUEUES[0],
        "task_routes": ROUTES,
        # A worker that dies gives its task back: tasks are written to be repeated.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "task_soft_time_limit": SOFT_LIMIT_S,
        "task_time_limit": HARD_LIMIT_S,
        # Redis hands a task out again when it is silent for longer than this; never while it may still be at work.
        "broker_transport_options": {"visibility_timeout": 2 * HARD_LIMIT_S} if _on_redis(broker) else {},
        "broker_connection_retry_on_startup": True,
        "worker_hijack_root_logger": False,
        "beat_scheduler": "stoa.platform.sweeps.beat:TickScheduler",
        "beat_schedule": BEAT_SCHEDULE,
        "beat_max_loop_interval": TICK_EVERY_S,
        "timezone": "UTC",
        "enable_utc": True,
    }


def _on_redis(broker: str | None) -> bool:
    return broker is not None and broker.startswith(("redis://", "rediss://"))


def _create() -> Celery:
    created = Celery("stoa", set_as_current=True, task_cls=TASK_CLASS)
    created.conf.update(celery_options(settings()))
    created.set_default()
    created.autodiscover_tasks()
    # Found by the autodiscovery only once platform.health is a Django app; it has no models and is none.
    created.conf.include = ["stoa.platform.health.tasks"]
    return created


def _our_logging(**_: object) -> None:
    configure_logging(settings())


def _require_rules(**_: object) -> None:
    """Before a worker takes a task, and before beat sends one. Celery swallows any Exception here, and no SystemExit."""
    try:
        require_database_rules()
    except CannotStart as error:
        raise SystemExit(f"stoa: {error}") from None


_GOODBYE_S = 2.0
_leaving = threading.Event()
_heartbeats: list[threading.Thread] = []


def _beat(**_: object) -> None:
    """In a worker's main process, which lives on when the processes of its pool are replaced."""
    from stoa.platform.sweeps.heartbeats import beat_until  # noqa: PLC0415 - models exist only in a worker's setup

    beating = threading.Thread(
        target=beat_until, args=(_leaving,), kwargs={"role": "celery"}, name="heartbeat", daemon=True
    )
    beating.start()
    _heartbeats.append(beating)


def _leave(**_: object) -> None:
    _leaving.set()
    for beating in _heartbeats:
        beating.join(_GOODBYE_S)


worker_init.connect(_require_rules)
beat_init.connect(_require_rules)
worker_ready.connect(_beat)
worker_shutdown.connect(_leave)
# Connected, it keeps Celery from a logging of its own.
setup_logging.connect(_our_logging)
connect_ids()
app = _create()
