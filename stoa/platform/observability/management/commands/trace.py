"""`manage.py trace <request_id>`: the whole story of one id."""

from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from stoa.kit.clock import isoformat
from stoa.platform.observability.public import story_of


class Command(BaseCommand):
    help = "Tell everything that is known of a request id, in time order. Exit 1 for an id that nobody knows."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("request_id", help="from X-Request-ID, meta.request_id or a log line's log_id")
        parser.add_argument("--json", action="store_true", help="an array of objects: at, what, detail")

    def handle(self, *args: Any, request_id: str, **options: Any) -> None:
        try:
            story = story_of(request_id)
        except DatabaseError as error:
            raise CommandError(f"the database cannot be asked: {type(error).__name__}") from error
        if not story:
            raise CommandError(f"nothing is known of {request_id!r}")
        if options["json"]:
            self.stdout.write(orjson.dumps(story, option=orjson.OPT_INDENT_2 | orjson.OPT_NAIVE_UTC).decode())
            return
        widest = max(len(line.what) for line in story)
        for line in story:
            self.stdout.write(f"{isoformat(line.at)}  {line.what:{widest}}  {line.detail}")
