"""Django's registration of the composition root: logs first, then the ports."""

import logging

from django.apps import AppConfig

from stoa.runtime.config.current import settings
from stoa.runtime.logs import configure_logging
from stoa.runtime.process import role
from stoa.runtime.telemetry import start_telemetry


class ProjectConfig(AppConfig):
    name = "stoa.project"
    label = "project"

    def ready(self) -> None:
        from stoa.platform.metrics.switch import start_metrics  # noqa: PLC0415 - models exist only from here on
        from stoa.project import celery  # noqa: F401, PLC0415 - `task.delay()` needs our app in every process
        from stoa.project.wiring import connect  # noqa: PLC0415 - models exist only from here on

        configure_logging(settings())
        # runserver's own access line repeats ours, and has the query string in it.
        logging.getLogger("django.server").setLevel(logging.WARNING)
        # And its warning about each 4xx repeats it once more.
        logging.getLogger("django.request").setLevel(logging.ERROR)
        connect()
        start_metrics(settings())
        start_telemetry(settings(), role=role())
