"""Django's registration of the composition root: logs first, then the ports."""

from django.apps import AppConfig

from stoa.runtime.config.current import settings
from stoa.runtime.logs import configure_logging


class ProjectConfig(AppConfig):
    name = "stoa.project"
    label = "project"

    def ready(self) -> None:
        from stoa.project.wiring import connect  # noqa: PLC0415 - models exist only from here on

        configure_logging(settings())
        connect()
