"""`manage.py replay_erasures [--file]`: after a restore, forget again who was erased since the backup."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from stoa.apps.accounts.services.erasure_list import list_path, replay


class Command(BaseCommand):
    help = "Erases everybody on the list of erasures who is in the database; running it again does nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--file", type=Path, help="the list, if it is not ERASURE_LIST_FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        path = options["file"] or list_path()
        try:
            erased, lines = replay(path=path)
        except OSError as error:
            raise CommandError(f"{path}: {type(error).__name__}") from None
        self.stdout.write(f"{erased} people erased again, of {lines} on the list; the worker tells the other apps")
