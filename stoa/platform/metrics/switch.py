"""Metrics on or off, once a process."""

from pathlib import Path

from stoa.platform.metrics.background import BackgroundFigures
from stoa.platform.metrics.tasks import count_tasks
from stoa.runtime import metrics
from stoa.runtime.config.model import Settings
from stoa.runtime.logs import get_logger

log = get_logger(__name__)


def start_metrics(settings: Settings) -> None:
    """Nothing at all unless ENABLE_METRICS. A folder that cannot be written to costs the figures and not the start."""
    if not settings.enable_metrics:
        return
    try:
        metrics.share_in(Path(settings.metrics_dir))
    except OSError as error:
        log.error("no metrics: the folder cannot be used", setting="METRICS_DIR", error=type(error).__name__)
        return
    metrics.install("background", BackgroundFigures())
    count_tasks()
