"""The Makefile: every target that the documents name, in a folder with a space, with commands that make can read."""

import subprocess
from pathlib import Path

import pytest

import stoa

ROOT = Path(stoa.__file__).parents[1]
TARGETS = {
    "install": "sh scripts/bootstrap.sh --compile --hooks",
    "run": "exec .venv/bin/python run.py",
    "celery": "exec .venv/bin/python scripts/celery_worker.py",
    "lint": ".venv/bin/lint-imports",
    "format": ".venv/bin/ruff format .",
    "test": "exec .venv/bin/python scripts/test_lanes.py",
    "migrate": "exec .venv/bin/python manage.py migrate",
    "redis-up": "exec sh scripts/redis_up.sh",
    "bench": "exec .venv/bin/python -m benchmarks",
    "soak": ".venv/bin/python -m benchmarks.soak",
    "soak-gateway": "exec .venv/bin/python -m benchmarks.gateway.soak",
    "soak-ledger": "exec .venv/bin/python -m pytest -q --hypothesis-profile=long stoa/apps/ledger/tests/test_machine.py",
    "races": ".venv/bin/pytest -q tests/races",
    "new-app": 'exec .venv/bin/python scripts/new_app.py "a b"',
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "a checkout"
    made.mkdir()
    (made / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    return made


def make(folder: Path, *arguments: str) -> list[str]:
    done = subprocess.run(["make", *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(("target", "command"), TARGETS.items())
def test_target_installs_first_and_then_does_what_it_says(folder: Path, target: str, command: str) -> None:
    lines = make(folder, "-n", target, "NAME=a b")
    assert lines[0].startswith("sh scripts/bootstrap.sh")
    assert command in [line.strip() for line in lines]


def test_help_is_the_default_and_lists_every_target(folder: Path) -> None:
    listed = {line.split()[1] for line in make(folder)}
    assert listed == {"help", *TARGETS}


def test_what_targets_call_exists() -> None:
    named = {word for command in TARGETS.values() for word in command.split() if word.endswith((".py", ".sh"))}
    assert {name for name in named if not (ROOT / name).is_file()} == set()
