"""`manage.py runserver`, which like every other way to serve does not start while the database lacks a rule."""

import os
from typing import Any

from django.contrib.staticfiles.management.commands.runserver import Command as RunserverCommand

from stoa.project.commands.ground import require_database_rules
from stoa.project.commands.refusal import CannotStart


class Command(RunserverCommand):
    """WhiteNoise's own command wraps the next one among the installed apps, which is this."""

    def inner_run(self, *args: Any, **options: Any) -> None:
        """In the process that serves, at each reload too."""
        try:
            require_database_rules()
        except CannotStart as error:
            self.stderr.write(f"stoa: {error}")
            os._exit(1)  # as Django for a port that is taken: the reloader runs this in a thread
        super().inner_run(*args, **options)
