"""What `celery -A stoa` finds: Django set up, then the application of stoa.project.celery."""

from contextlib import suppress

import django

from stoa.project.commands.ground import name_django_settings
from stoa.runtime.config.errors import ConfigurationError
from stoa.runtime.process import declare_role

declare_role("worker")
try:
    name_django_settings()
    django.setup()
    from stoa.project.celery import BEAT_SCHEDULE, app
except ConfigurationError as error:
    # Celery would show it under a traceback and its usage.
    raise SystemExit(str(error)) from None

with suppress(OSError):  # beat says so itself when it cannot write there
    BEAT_SCHEDULE.parent.mkdir(parents=True, exist_ok=True)

__all__ = ["app"]
