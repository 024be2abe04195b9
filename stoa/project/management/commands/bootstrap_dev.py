"""`bootstrap_dev`: from an empty database to people who can sign in, on a laptop. Safe to run twice."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from stoa.runtime.config.current import settings


class Command(BaseCommand):
    help = "Migrate, load the fixtures, make the demo people (one of them uses the admin), and say what comes next."

    def handle(self, *args: Any, **options: Any) -> None:
        current = settings()
        if current.in_production:
            raise CommandError("this is production: `bootstrap_admin` makes its first superuser")
        call_command("migrate", verbosity=0, interactive=False)
        call_command("load_fixtures", stdout=self.stdout)
        if current.demo_data:
            call_command("seed_demo", stdout=self.stdout)
        elif current.admin_email:
            call_command("bootstrap_admin", stdout=self.stdout)
        else:
            self.stdout.write("DEMO_DATA is off: `bootstrap_admin --email you@example.org` makes an admin")
        self.stdout.write(
            f"next: `stoa run`, then http://127.0.0.1:{current.port}/admin/ and http://127.0.0.1:{current.port}/api/docs/"
        )
