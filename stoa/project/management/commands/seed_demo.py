"""`seed_demo`: demo people and their organization, for a laptop. Idempotent."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import ProtectedError

from stoa.apps.accounts.public import demo_ids, demo_people, remove_people, seed_people
from stoa.apps.organizations.public import remove_demo_organizations, seed_organization
from stoa.platform.db.tenant import across_tenants
from stoa.platform.db.transactions import transaction
from stoa.runtime.config.current import settings


class Command(BaseCommand):
    help = "Make the demo people and their organization, once, and print how to sign in as them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reset", action="store_true", help="delete the demo rows first, and no others")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings().demo_data:
            raise CommandError("DEMO_DATA is off: demo people could not sign in")
        if options["reset"]:
            self._reset()
        seed_organization(members=seed_people())
        for person in demo_people():
            self.stdout.write(f"{person.email}  {person.password}  ({person.role})")

    def _reset(self) -> None:
        try:
            with transaction(), across_tenants("what refers to demo people"):
                remove_demo_organizations(demo_people=demo_ids())
                remove_people()
        except ProtectedError:
            raise CommandError("nothing was deleted: demo people are in organizations that are not demo ones") from None
