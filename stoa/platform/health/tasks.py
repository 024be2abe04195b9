"""A task that shows that tasks work."""

from celery import shared_task

from stoa.runtime.logs import get_logger

log = get_logger(__name__)


@shared_task(name="stoa.platform.health.tasks.health_check")  # type: ignore[untyped-decorator]
def health_check() -> str:
    log.info("Health check task started")
    log.info("Health check task succeeded")
    return "ok"
