"""Django's registration of platform/config. Listed after the app that configures the logs, to which it reports."""

from django.apps import AppConfig

from stoa.platform.db.tls import report_tls
from stoa.runtime.config.current import settings
from stoa.runtime.process import role


class ConfigConfig(AppConfig):
    name = "stoa.platform.config"
    label = "configuration"

    def ready(self) -> None:
        # A command's answer is not the place for the state of the server's connection.
        if role() != "command":
            report_tls(settings())
