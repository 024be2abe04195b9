"""`manage.py openapi --check|--write`: docs/openapi.json, kept equal to what /api/schema/ serves."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

import stoa

_ROOT = Path(next(iter(stoa.__path__))).parent


class Command(BaseCommand):
    help = "Write docs/openapi.json from the declared routes, or compare it."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        mode = parser.add_mutually_exclusive_group(required=True)
        mode.add_argument("--check", action="store_true", help="fail when the file differs from the routes")
        mode.add_argument("--write", action="store_true", help="bring the file up to date")
        parser.add_argument("--file", type=Path, default=_ROOT / "docs" / "openapi.json")
        parser.add_argument(
            "--urlconf", default=settings.ROOT_URLCONF, help="module of the routes (default: the served)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        text = json.dumps(_document(options["urlconf"]), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        if file.is_file() and file.read_text(encoding="utf-8") == text:
            return
        if options["check"]:
            raise CommandError(f"{file} differs from the routes\nrun `python manage.py openapi --write`")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        self.stdout.write(f"wrote {file}")


def _document(urlconf: str) -> dict[str, Any]:
    """Raises CommandError when drf-spectacular had to guess, ValidationError when it is no OpenAPI 3.1."""
    with GENERATOR_STATS.silence():
        GENERATOR_STATS.reset()
        document: dict[str, Any] = SchemaGenerator(urlconf=urlconf).get_schema(request=None, public=True)
        warned = bool(GENERATOR_STATS)
    if warned:
        raise CommandError("drf-spectacular warns: see `python manage.py spectacular`")
    validate_schema(document)
    return document
