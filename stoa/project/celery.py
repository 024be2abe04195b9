"""The Celery application, from the typed settings. Imported by the wiring, so that `delay()` works in every process.

Without a broker a task runs where it is called; nothing needs one to start."""

from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import setup_logging

from stoa.runtime.config.current import settings
from stoa.runtime.config.model import Settings
from stoa.runtime.logs import configure_logging

SOFT_LIMIT_S = 240
HARD_LIMIT_S = 300
BEAT_SCHEDULE = Path("var/celerybeat-schedule")


def celery_options(current: Settings) -> dict[str, Any]:
    broker = current.celery_broker_url.get_secret_value() if current.celery_broker_url else None
    backend = current.celery_result_backend.get_secret_value() if current.celery_result_backend else None
    return {
        "broker_url": broker or "memory://",
        "task_always_eager": broker is None,
        # An error of a task run in place is the task's result, as it is on a worker, and not the caller's exception.
        "task_eager_propagates": False,
        "result_backend": backend,
        "task_default_queue": "stoa",
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
        "beat_schedule_filename": str(BEAT_SCHEDULE),
        "timezone": "UTC",
        "enable_utc": True,
    }


def _on_redis(broker: str | None) -> bool:
    return broker is not None and broker.startswith(("redis://", "rediss://"))


def _create() -> Celery:
    created = Celery("stoa", set_as_current=True)
    created.conf.update(celery_options(settings()))
    created.set_default()
    created.autodiscover_tasks()
    # Found by the autodiscovery only once platform.health is a Django app; it has no models and is none.
    created.conf.include = ["stoa.platform.health.tasks"]
    return created


def _our_logging(**_: object) -> None:
    configure_logging(settings())


# Connected, it keeps Celery from a logging of its own.
setup_logging.connect(_our_logging)
app = _create()
