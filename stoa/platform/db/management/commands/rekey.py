"""`manage.py rekey [--batch]`: every encrypted column under the first of FIELD_ENCRYPTION_KEYS."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from stoa.platform.db.rekeying import rekey
from stoa.runtime.field_encryption import first_key_id


class Command(BaseCommand):
    help = "Writes what is encrypted under another key again under the first; run it again after an interruption."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--batch", type=int, default=500, help="values a transaction (500)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["batch"] < 1:
            raise CommandError("--batch: at least 1")
        columns = rekey(batch=options["batch"], tell=self.stdout.write)
        unreadable = sum(each.unreadable for each in columns)
        written = sum(each.written for each in columns)
        self.stdout.write(f"{written} values in {len(columns)} columns written under {first_key_id()}")
        if unreadable:
            where = ", ".join(f"{each.column} {each.unreadable}" for each in columns if each.unreadable)
            raise CommandError(f"left as they are, no key in FIELD_ENCRYPTION_KEYS reads them: {where}")
