"""`manage.py config [NAME ...]`: what is in force, and where each value came from."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from stoa.runtime.config.current import loaded
from stoa.runtime.config.effective import effective
from stoa.runtime.config.model import Settings
from stoa.runtime.config.registry import declarations
from stoa.runtime.config.unknown_names import did_you_mean


class Command(BaseCommand):
    help = "Show the effective configuration with the origin of each value; secrets are masked."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME", help="show only these settings")

    def handle(self, *args: Any, **options: Any) -> None:
        known = {name for declaration in declarations(Settings) for name in declaration.names}
        for name in options["names"]:
            if name.upper() not in known:
                raise CommandError(f"{name} is not a setting{did_you_mean(name, known)}")
        rows = effective(loaded(), options["names"])
        names, values = max(len(row.name) for row in rows), max(len(row.value) for row in rows)
        for row in rows:
            self.stdout.write(f"{row.name:<{names}}  {row.value:<{values}}  {row.origin}")
