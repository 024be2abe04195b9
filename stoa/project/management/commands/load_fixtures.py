"""`load_fixtures`: rows that an installation wants from the start, from files, all or none."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.base import DeserializationError
from django.db import IntegrityError

from stoa.platform.db.transactions import transaction

DEFAULT = "config/fixtures/"
_ENDINGS = (".json", ".jsonl", ".yaml", ".yml")


class Command(BaseCommand):
    help = (
        "Load every fixture of a folder in the order of their names, in one transaction. Rows with keys are replaced."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--path", default=DEFAULT, help="a folder, or one file (default: %(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(options["path"])
        if not path.exists():
            raise CommandError(f"{path} does not exist")
        files = [path] if path.is_file() else sorted(each for each in path.iterdir() if each.suffix in _ENDINGS)
        if not files:
            raise CommandError(f"{path} holds no fixture ({', '.join(_ENDINGS)})")
        try:
            with transaction():
                for file in files:
                    call_command("loaddata", str(file.resolve()), verbosity=0)
        except (DeserializationError, IntegrityError, CommandError) as error:
            raise CommandError(f"nothing was loaded: {str(error).strip().splitlines()[0]}") from None
        self.stdout.write(f"loaded {', '.join(file.name for file in files)}")
