"""`manage.py env_docs --check|--write`: the documentation of the settings, kept equal to their declarations."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

import stoa
from stoa.runtime.config.render import BEGIN, END, env_example, environment_guide, with_table


class Command(BaseCommand):
    help = "Write .env.example, docs/environment.md and README's table from the declared settings, or compare them."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        mode = parser.add_mutually_exclusive_group(required=True)
        mode.add_argument("--check", action="store_true", help="fail when a file differs from the declarations")
        mode.add_argument("--write", action="store_true", help="bring the files up to date")
        root = Path(next(iter(stoa.__path__))).parent
        parser.add_argument("--root", type=Path, default=root, help="the folder of README.md (default: the checkout)")

    def handle(self, *args: Any, **options: Any) -> None:
        root: Path = options["root"]
        faults = []
        for path, text in _expected(root).items():
            if text is None:
                faults.append(f"{path.relative_to(root)} lacks the lines {BEGIN} and {END}")
            elif _present(path) == text:
                continue
            elif options["check"]:
                faults.append(f"{path.relative_to(root)} differs from the declared settings")
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
                self.stdout.write(f"wrote {path.relative_to(root)}")
        if faults:
            hint = "run `python manage.py env_docs --write`" if options["check"] else "add them where the table belongs"
            raise CommandError("\n".join([*faults, hint]))


def _expected(root: Path) -> dict[Path, str | None]:
    """None for a README without the markers: where the table belongs is its author's choice."""
    readme = root / "README.md"
    return {
        root / ".env.example": env_example(),
        root / "docs" / "environment.md": environment_guide(),
        readme: with_table(_present(readme)),
    }


def _present(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
