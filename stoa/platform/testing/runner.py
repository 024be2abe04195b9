"""`python manage.py test`: the same suite as `pytest`, run by pytest in a process of its own.

Of its own, because this process has already read the settings it serves with, `.env` included, and tests never do."""

import importlib.util
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import apps

import stoa

ROOT = Path(stoa.__file__).parents[1]
TEST_SETTINGS = "stoa.project.settings.testing"


class UnknownLabel(Exception):
    """Neither an app label, nor a path, nor a dotted name of a module."""


class PytestRunner:
    """What settings.TEST_RUNNER names."""

    def __init__(self, *, verbosity: int = 1, failfast: bool = False, k: str = "", **_ignored: Any) -> None:
        self.options = {0: ["-q"], 1: [], 2: ["-v"]}.get(verbosity, ["-vv"])
        self.options += ["-x"] if failfast else []
        self.options += ["-k", k] if k else []

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        parser.add_argument("-k", default="", help="only tests whose names match this expression, as in pytest")

    def run_tests(self, test_labels: Sequence[str]) -> int:
        """pytest's exit status: 0 only when something was collected from every label and nothing failed."""
        if importlib.util.find_spec("pytest") is None:
            sys.stderr.write("pytest is not installed: pip install -e .[dev]\n")
            return 1
        try:
            targets = [target(label) for label in test_labels]
        except UnknownLabel as error:
            sys.stderr.write(f"{error}\n")
            return 1
        command = [sys.executable, "-m", "pytest", f"--config-file={ROOT / 'pytest.ini'}", f"--ds={TEST_SETTINGS}"]
        return subprocess.run([*command, *self.options, *targets], cwd=ROOT, check=False).returncode


def target(label: str) -> str:
    """What pytest calls it: an app's folder, a path as given, or the file (and node) of a dotted name."""
    for config in apps.get_app_configs():
        if label in {config.label, config.name} and Path(config.path).is_relative_to(ROOT / "stoa"):
            return config.path
    path, separator, node = label.partition("::")
    if path and Path(path).exists():
        return f"{Path(path).resolve()}{separator}{node}"
    if found := _dotted(label):
        return found
    raise UnknownLabel(f"{label}: no app, path or module of that name")


def _dotted(label: str) -> str:
    """`stoa.apps.accounts.tests.test_http.TestLogin.test_locks`: the longest part that is a file or folder, then ::."""
    parts = label.split(".")
    for length in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:length])
        rest = parts[length:]
        if (file := place.with_suffix(".py")).is_file():
            return "::".join([str(file), *rest])
        if place.is_dir() and not rest and all(parts):
            return str(place)
    return ""
