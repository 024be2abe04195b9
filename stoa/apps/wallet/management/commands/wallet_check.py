"""`manage.py wallet_check`: do wallets and ledger agree?"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from stoa.apps.wallet.services.snapshots import check_wallets


class Command(BaseCommand):
    help = "Compare wallets with the ledger; exit 1 and name what does not hold."

    def handle(self, *args: Any, **options: Any) -> None:
        faults = check_wallets()
        for fault in faults:
            self.stdout.write(fault)
        if faults:
            raise CommandError(f"BROKEN: {len(faults)} faults")
        self.stdout.write("wallets and ledger agree")
