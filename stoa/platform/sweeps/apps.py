"""Django's registration of the sweeps; it also finds the `tasks.py` of every app, where they are declared."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class SweepsConfig(AppConfig):
    name = "stoa.platform.sweeps"
    label = "sweeps"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # In every process: a web process tells which sweeps are stale, so it must know which there are.
        autodiscover_modules("tasks")
