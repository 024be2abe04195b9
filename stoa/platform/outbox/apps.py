"""Django's registration of the outbox."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    name = "stoa.platform.outbox"
    label = "outbox"
    default_auto_field = "django.db.models.BigAutoField"
