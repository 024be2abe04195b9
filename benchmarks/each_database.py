"""One module measured on SQLite and on PostgreSQL, each in a process and on a scratch database of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable

from benchmarks.figures import Figure

POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"


def on_each_database(module: str, *, smoke: bool) -> dict[str, dict[str, float]]:
    """What `python -m <module> --one` prints, by vendor. Raises RuntimeError with the end of its stderr."""
    found: dict[str, dict[str, float]] = {}
    for vendor in ("sqlite", "postgresql"):
        environ = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        if vendor == "postgresql":
            environ["DATABASE_URL"] = os.environ.get("DATABASE_URL", POSTGRES)
        command = [sys.executable, "-m", module, "--one", *(["--smoke"] if smoke else [])]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-2000:])
        found[vendor] = json.loads(done.stdout.splitlines()[-1])
    return found


def run(measure: Callable[..., list[Figure]], *, one: Callable[[bool], dict[str, float]]) -> None:
    """Such a module's command line: the figures of both, or with `--one`, the child's side, what it found."""
    smoke = "--smoke" in sys.argv
    if "--one" in sys.argv:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stoa.project.settings.testing")
        print(json.dumps(one(smoke)))
        return
    for figure in measure(smoke=smoke):
        print(figure.line(), flush=True)
