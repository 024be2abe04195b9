"""`manage.py outbox_status [--json]`: what waits, for how long, and what is parked."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from stoa.platform.outbox.models import DeliveryState
from stoa.platform.outbox.status import Status, status


class Command(BaseCommand):
    help = "Deliveries by subscriber and state, the lag in seconds, and what is parked with its masked error."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        found = status()
        self.stdout.write(json.dumps(asdict(found), indent=2) if options["json"] else _text(found))


def _text(found: Status) -> str:
    states = [state.value for state in DeliveryState]
    lines = [f"lag_s: {found.lag_s:.1f}", f"unexpanded: {found.unexpanded}"]
    lines += [f"{name}: {sum(by.get(name, 0) for by in found.counts.values())}" for name in states]
    for subscriber, by in found.counts.items():
        lines.append(f"{subscriber}: " + " ".join(f"{name}={by.get(name, 0)}" for name in states))
    for each in found.parked:
        held = f" holds back {each.key}" if each.key else ""
        lines.append(
            f"parked {each.id}: {each.subscriber} on {each.event}, {each.attempts} attempts{held}: {each.error}"
        )
    return "\n".join(lines)
