"""`bootstrap_admin`: the first superuser of an installation. Safe to run at every deploy."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from stoa.apps.accounts.public import ensure_admin
from stoa.kit.errors import DomainError, Invalid
from stoa.runtime.config.current import settings


class Command(BaseCommand):
    help = "Make the first superuser and the staff groups, once; an account that is there keeps its password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", help="whose; else ADMIN_EMAIL")
        parser.add_argument(
            "--password",
            help="else ADMIN_PASSWORD, which other users of this machine cannot read; else a generated one",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        current = settings()
        email = options["email"] or current.admin_email
        if not email:
            raise CommandError("whose? --email or ADMIN_EMAIL")
        named = current.admin_password.get_secret_value() if current.admin_password else None
        try:
            admin = ensure_admin(email=email, password=options["password"] or named)
        except Invalid as refusal:
            raise CommandError("; ".join(f"{name}: {' '.join(why)}" for name, why in refusal.fields.items())) from None
        except DomainError as refusal:
            raise CommandError(refusal.text) from None
        if not admin.created:
            self.stdout.write(f"{admin.email} is a superuser; the password is as it was")
            return
        self.stdout.write(f"{admin.email} is a superuser now")
        if admin.generated:
            self.stdout.write(f"password, shown this once: {admin.generated}")
