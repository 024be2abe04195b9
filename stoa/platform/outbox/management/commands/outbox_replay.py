"""`manage.py outbox_replay <subscriber> [--since --until]`: deliver kept events that a subscriber never got."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from stoa.platform.outbox.keeping import replay
from stoa.platform.outbox.subscriptions import subscriptions


class Command(BaseCommand):
    help = "Makes the deliveries a subscriber does not have yet, of events still kept; running it again adds none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("subscriber", help="as outbox_status names it")
        parser.add_argument("--since", type=_moment, help="ISO date or time, UTC unless it says; its own are included")
        parser.add_argument("--until", type=_moment, help="as --since, not included")

    def handle(self, *args: Any, **options: Any) -> None:
        known = subscriptions().get(options["subscriber"])
        if known is None:
            names = ", ".join(sorted(subscriptions())) or "none"
            raise CommandError(f"no subscriber is called {options['subscriber']}; there are: {names}")
        made = replay(known, since=options["since"], until=options["until"])
        self.stdout.write(f"{made} deliveries made for {known.name}")


def _moment(text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no ISO date or time") from None
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)
