"""`seed_demo`: demo people for a laptop. Idempotent."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from stoa.apps.accounts.services.demo import DEMO_PEOPLE, seed_people
from stoa.runtime.config.current import settings


class Command(BaseCommand):
    help = "Make the demo people, once, and print how to sign in as them."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings().demo_data:
            raise CommandError("DEMO_DATA is off: demo people could not sign in")
        seed_people()
        for person in DEMO_PEOPLE:
            self.stdout.write(f"{person.email}  {person.password}  ({person.role})")
