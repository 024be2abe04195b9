"""`manage.py audit_verify`: does the audit trail hold?"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from stoa.platform.audit.sealing import adopt_end
from stoa.platform.audit.verifying import verify


class Command(BaseCommand):
    help = "Check the whole audit trail against its chain and its head file; exit 1 and name the first broken row."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--adopt",
            action="store_true",
            help="after a restore: go on from where the database ends; the old head file is kept beside",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["adopt"]:
            kept = adopt_end()
            self.stdout.write(f"adopted; the old head file is {kept}" if kept else "adopted; there was no head file")
        report = verify()
        for remark in report.remarks:
            self.stdout.write(remark)
        if report.fault:
            raise CommandError(f"BROKEN: {report.fault}")
        self.stdout.write(f"{report.rows} sealed rows hold; {report.pending} wait to be sealed")
