"""A peer's Django: settings and a database of its own, and either the setting up or the rounds of one client."""

import os
import sys
from collections.abc import Callable
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command

from benchmarks.ledger.rounds import Act, serve

CLIENTS = 8


def run(apps: list[str], set_up: Callable[[], None], prepared: Callable[[dict[str, Any]], Act], **more: object) -> None:
    """With `--set-up` makes the tables and what `set_up` makes, else serves rounds. No pool, as Django's default is."""
    settings.configure(
        SECRET_KEY="bench",
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", *apps],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                **{name: os.environ.get(f"BENCH_{name}", "") for name in ("NAME", "HOST", "PORT", "USER", "PASSWORD")},
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        **more,
    )
    django.setup()
    if "--set-up" in sys.argv:
        call_command("migrate", verbosity=0)
        set_up()
    else:
        serve(prepared)


def pair(scene: str) -> tuple[int, int]:
    """The two accounts, by number, that this client posts to in a scene."""
    first = 2 * int(os.environ["BENCH_CLIENT"]) if scene == "cold" else 2 * CLIENTS
    return first, first + 1


ACCOUNTS = 2 * CLIENTS + 2
