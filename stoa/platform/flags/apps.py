"""Django's registration of the flags."""

from django.apps import AppConfig


class FlagsConfig(AppConfig):
    name = "stoa.platform.flags"
    label = "flags"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from stoa.platform.flags import baseline  # noqa: F401, PLC0415 - declared in every process
