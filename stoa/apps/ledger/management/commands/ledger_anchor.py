"""`manage.py ledger_anchor`: the head of each book's chain, to be kept where the database's owner cannot write."""

from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from stoa.apps.ledger.services.anchoring import append_heads, heads


class Command(BaseCommand):
    help = "Print the head of each book's chain as JSON lines, or append them to a file; ledger_verify compares."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--file", type=Path, help="append to this file instead of printing")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["file"] is None:
            for anchor in heads():
                self.stdout.write(orjson.dumps(anchor).decode())
            return
        try:
            written = append_heads(path=options["file"])
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}") from None
        self.stdout.write(f"{written} books anchored")
