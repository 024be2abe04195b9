"""Write the skeleton of an app and its line in the contract: `make new-app NAME=media`.

A name that .importlinter announces (in parentheses) has its floor already. Any other name is a decision, so it needs
`FLOOR=<the app it stands directly above>` and, afterwards, an ADR and a line in docs/map.md.
Nothing is written unless everything can be.
"""

import argparse
import keyword
import re
import sys
from dataclasses import dataclass
from pathlib import Path

_SHAPE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST = 30
# Labels of Django and of the packages we install; two apps with one label stop Django.
_TAKEN = {
    *("admin", "auth", "contenttypes", "messages", "sessions", "sites", "staticfiles"),
    *("corsheaders", "drf_spectacular", "drf_spectacular_sidecar", "rest_framework", "django_celery_beat"),
    *("django_celery_results", "health", "migrations", "tests"),
}
_REFUSED = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "core", "base", "misc"}

_INIT = '"""{title}: what it owns, its invariants, and what it refuses."""\n'
_MIGRATIONS = '"""The history of the tables of {name}."""\n'
_APPS = '''"""How Django finds {name}."""

from django.apps import AppConfig


class {config}(AppConfig):
    name = "stoa.apps.{name}"
    label = "{name}"
    verbose_name = "{title}"
'''


class Refused(Exception):
    """One line for the person who asked."""


@dataclass(frozen=True, slots=True)
class NewApp:
    root: Path
    name: str
    floor: str

    @property
    def folder(self) -> Path:
        return self.root / "stoa" / "apps" / self.name

    @property
    def title(self) -> str:
        return self.name.replace("_", " ").capitalize()

    @property
    def config(self) -> str:
        return "".join(word.capitalize() for word in self.name.split("_")) + "Config"

    def files(self) -> dict[Path, str]:
        """Everything to write, whole. Raises Refused before anything is touched."""
        self._check_name()
        contract, settings = self.root / ".importlinter", self.root / "stoa" / "project" / "settings" / "apps.py"
        values = {"name": self.name, "title": self.title, "config": self.config}
        return {
            self.folder / "__init__.py": _INIT.format(**values),
            self.folder / "apps.py": _APPS.format(**values),
            self.folder / "migrations" / "__init__.py": _MIGRATIONS.format(**values),
            contract: with_layer(contract.read_text(encoding="utf-8"), self.name, self.floor),
            settings: with_installed(settings.read_text(encoding="utf-8"), self.name, self.config),
        }

    def _check_name(self) -> None:
        if not _SHAPE.fullmatch(self.name) or len(self.name) > _LONGEST or keyword.iskeyword(self.name):
            raise Refused(f"{self.name!r} is no app name: lower-case words joined by _, at most {_LONGEST} characters")
        if self.name in _TAKEN or self.name in sys.stdlib_module_names:
            raise Refused(f"{self.name!r} is taken by Django, Python or an installed package")
        if not _REFUSED.isdisjoint(self.name.split("_")):
            raise Refused(f"{self.name!r} says nothing about what the app owns; name the domain")
        if self.folder.exists():
            raise Refused(f"stoa/apps/{self.name} exists already")


def with_layer(contracts: str, name: str, floor: str) -> str:
    """The text of .importlinter with `name` as a required layer of the apps contract."""
    head, mark, rest = contracts.partition("[importlinter:contract:apps]")
    before, layers_mark, after = rest.partition("layers =\n")
    if not mark or not layers_mark:
        raise Refused(".importlinter has no apps contract")
    lines = after.split("\n")
    end = next((number for number, line in enumerate(lines) if not line.startswith(" ")), len(lines))
    at = {found: number for number, line in enumerate(lines[:end]) for found in re.findall(r"\w+", line)}
    if name in at:
        if floor:
            raise Refused(f"{name} has its floor in .importlinter already; leave FLOOR out")
        lines[at[name]] = lines[at[name]].replace(f"({name})", name)
    elif not floor:
        raise Refused(f"{name} has no floor in .importlinter: say FLOOR=<the app it stands directly above>")
    elif floor not in at:
        raise Refused(f"FLOOR={floor} is no app of .importlinter; there are {', '.join(sorted(at))}")
    else:
        lines.insert(at[floor], f"    {name}")
    return head + mark + before + layers_mark + "\n".join(lines)


def with_installed(settings: str, name: str, config: str) -> str:
    """The text of settings/apps.py with the app behind the last app of LOCAL_APPS."""
    lines = settings.split("\n")
    listed = [number for number, line in enumerate(lines) if line.startswith('    "stoa.apps.')]
    if not listed:
        raise Refused("stoa/project/settings/apps.py lists no app of stoa.apps, one a line")
    lines.insert(listed[-1] + 1, f'    "stoa.apps.{name}.apps.{config}",')
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="new_app.py", description="Write the skeleton of an app.")
    parser.add_argument("name", nargs="?", default="")
    parser.add_argument("--floor", default="", help="the app it stands directly above, for a name not yet announced")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    given = parser.parse_args(arguments)
    app = NewApp(root=given.root, name=given.name, floor=given.floor)
    try:
        files = app.files()
    except Refused as refusal:
        print(f"new-app: {refusal}", file=sys.stderr)
        return 2
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(app.root)}")
    print(f"Next: say in stoa/apps/{app.name}/__init__.py what it owns; models.py, then manage.py makemigrations.")
    if app.floor:
        print("A new floor is a decision: write an ADR in docs/decisions and add the app to docs/map.md.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
