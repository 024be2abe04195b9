"""`manage.py flags_report [--days N]`: the flags, when each was last read, and which of them can go."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from stoa.kit.clock import utc_now
from stoa.platform.flags.report import flags_report
from stoa.runtime.config.current import settings


class Command(BaseCommand):
    help = "List the feature flags: what is in force, when each was last read, and what is due for removal."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=30, help="how long a release lives (default: 30)")

    def handle(self, *args: Any, **options: Any) -> None:
        report = flags_report(now=utc_now(), release=timedelta(days=options["days"]), settings=settings())
        rows = [("flag", "state", "last read", "owner", "remarks")]
        for line in report:
            read = f"{line.last_read_at:%Y-%m-%d %H:%M}" if line.last_read_at else "never"
            rows.append((line.name, line.state, read, line.owner, "; ".join(line.remarks)))
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        for row in rows:
            self.stdout.write("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
