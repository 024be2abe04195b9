"""`manage.py wallet_snapshot MONTH`: all balances at the end of a month, as one hash."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from stoa.apps.wallet.services.snapshots import take_snapshot
from stoa.kit.clock import utc_now
from stoa.kit.errors import Invalid


class Command(BaseCommand):
    help = "Keep the balances of all wallets at the end of a month that is over; again: say what was kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("month", help="such as 2026-03")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            told = take_snapshot(month=options["month"], now=utc_now())
        except Invalid as refused:
            raise CommandError(f"{options['month']}: {refused.fields['month'][0]}") from None
        self.stdout.write(
            f"{told.month}: {told.wallets} wallets, {told.total.amount} {told.total.currency}, {told.hash}"
        )
