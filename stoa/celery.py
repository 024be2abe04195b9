"""What `celery -A stoa` finds: Django set up, then the application of stoa.project.celery."""

import django

from stoa.project.commands.ground import name_django_settings
from stoa.runtime.config.errors import ConfigurationError
from stoa.runtime.process import declare_role

declare_role("worker")
try:
    name_django_settings()
    django.setup()
    from stoa.project.celery import app
except ConfigurationError as error:
    # Celery would show it under a traceback and its usage.
    raise SystemExit(str(error)) from None

__all__ = ["app"]
