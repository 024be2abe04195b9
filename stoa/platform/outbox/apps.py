"""Django's registration of the outbox; it also finds the `subscribers.py` of every app."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class OutboxConfig(AppConfig):
    name = "stoa.platform.outbox"
    label = "outbox"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # In every process: whichever expands an event must know all who react to it.
        autodiscover_modules("subscribers")
