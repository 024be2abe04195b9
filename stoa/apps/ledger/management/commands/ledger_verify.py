"""`manage.py ledger_verify`: does everything in the books hold?"""

from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from stoa.apps.ledger.services.anchoring import UnreadableAnchor, faults_against
from stoa.apps.ledger.services.verifying import verify_books


class Command(BaseCommand):
    help = "Check every entry, balance, hold and the sealed chain; exit 1 and name what does not hold."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="the verdict as one line of JSON")
        parser.add_argument("--book", type=UUID, help="only this organization's book")
        parser.add_argument("--anchors", type=Path, help="compare the chain with a file that ledger_anchor wrote")

    def handle(self, *args: Any, **options: Any) -> None:
        quiet = options["json"]
        verdict = verify_books(book_id=options["book"], progress=None if quiet else self._progress)
        faults = list(verdict.faults)
        if options["anchors"] is not None:
            try:
                faults += faults_against(lines=options["anchors"].read_text().splitlines())
            except (OSError, UnreadableAnchor) as error:
                raise CommandError(f"{options['anchors']}: {error}") from None
        if quiet:
            told = {"entries": verdict.entries, "sealed": verdict.sealed, "faults": faults, "known": verdict.known}
            self.stdout.write(orjson.dumps(told).decode())
        for fault in () if quiet else verdict.known:
            self.stdout.write(f"quarantined and cured: {fault.kind}: {fault.subject}")
        for fault in [] if quiet else faults:
            self.stdout.write(f"{fault.kind}: {fault.told}: {fault.subject}")
        if faults:
            raise CommandError(f"BROKEN: {len(faults)} faults")
        if not quiet:
            self.stdout.write(f"{verdict.entries} entries hold, {verdict.sealed} of them sealed")

    def _progress(self, check: str) -> None:
        self.stderr.write(f"checking {check}")
