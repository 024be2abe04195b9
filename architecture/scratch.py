"""A scratch copy of the repository in which a test may plant a fault, and processes that run in it."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_COPIED = (".importlinter", "ruff.toml", "pyproject.toml", "stoa", "architecture", "scripts", "docs")
# Nothing of the caller's configuration: a scratch copy starts on its defaults.
_KEPT_FROM_ENVIRONMENT = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    text: str
    """Standard output and error, runs of white space joined: reports break lines where they like."""


@dataclass(frozen=True, slots=True)
class Scratch:
    root: Path

    @classmethod
    def copy(cls, into: Path) -> "Scratch":
        """Byte code is copied with its sources and stays valid, so that processes start as fast as in the original."""
        for name in _COPIED:
            source = ROOT / name
            if source.is_dir():
                # Other processes are compiling: their half-written byte code may be gone before it is copied.
                shutil.copytree(source, into / name, ignore=shutil.ignore_patterns("*.pyc.*"))
            else:
                shutil.copy2(source, into / name)
        return cls(into)

    def plant(self, name: str, text: str) -> None:
        """Add to the file, or make it (and the packages on the way to it)."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for folder in path.relative_to(self.root).parents:
            package = self.root / folder / "__init__.py"
            if folder.parts[:1] == ("stoa",) and package != path and not package.exists():
                package.write_text('"""Planted."""\n')
        with path.open("a") as file:
            file.write(text)

    def run(self, *arguments: str) -> Ran:
        """This interpreter with the copy in front of the installed package."""
        environment = {name: os.environ[name] for name in _KEPT_FROM_ENVIRONMENT if name in os.environ}
        environment |= {
            "PYTHONPATH": str(self.root),
            "DJANGO_SETTINGS_MODULE": "stoa.project.settings.main",
            "LOG_DIR": str(self.root / "logs"),
            "COLUMNS": "500",
        }
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.root, env=environment, capture_output=True, text=True, timeout=60
        )
        return Ran(done.returncode, " ".join((done.stdout + done.stderr).split()))

    def new_app(self, name: str, *options: str) -> Ran:
        return self.run("scripts/new_app.py", name, *options)

    def lint_imports(self) -> Ran:
        return self.run("-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache")
