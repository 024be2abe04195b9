"""Django's registration of observability."""

from django.apps import AppConfig


class ObservabilityConfig(AppConfig):
    name = "stoa.platform.observability"
    label = "observability"
