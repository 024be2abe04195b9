"""The bans that ruff keeps: each line below is refused, by the rule that is meant to refuse it."""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from architecture.scratch import Scratch

# (file, line) -> rule. A file's lines are checked together, so a line may add imports that later lines use.
_REFUSED: dict[str, list[tuple[str, str]]] = {
    "stoa/apps/planted/services.py": [
        ("from django.db import transaction", "TID251"),
        ("from django.db.models import signals", "TID251"),
        ("from django.db.models.signals import post_save", "TID251"),
        ("from django.dispatch import receiver", "TID251"),
        ("from django.dispatch import Signal", "TID251"),
        ("from . import models", "TID252"),
        ("from django.apps import apps", ""),
        ('apps.get_model("accounts", "User")', "TID251"),
        ("import django.db.transaction as t", "TID251"),
        ("t.atomic()", "TID251"),
        ("t.on_commit(len)", "TID251"),
        ("import uuid", ""),
        ("uuid.uuid4()", "TID251"),
        ("uuid.uuid1()", "TID251"),
        ("import datetime", ""),
        ("datetime.datetime.now()", "DTZ005"),
        ("datetime.datetime.utcnow()", "DTZ003"),
        ("datetime.datetime.fromtimestamp(0)", "DTZ006"),
        ("datetime.datetime(2026, 1, 1)", "DTZ001"),
        ("datetime.date.today()", "DTZ011"),
        ("def dodge(): import stoa.kit", "PLC0415"),
        ("print(1)", "T201"),
        ("breakpoint()", "T100"),
        ("import subprocess", ""),
        ('subprocess.run("ls *", shell=True)', "S602"),
        ('eval("1")', "S307"),
        ("import pickle", ""),
        ('pickle.loads(b"")', "S301"),
        ("import hashlib", ""),
        ('hashlib.md5(b"")', "S324"),
        ('PASSWORD = "hunter2"', "S105"),
        ("x = 1  # type: ignore", "PGH003"),
        ("y = 1  # noqa", "PGH004"),
    ],
    "stoa/apps/planted/broad.py": [
        ("try:", ""),
        ("    X = 1", ""),
        ("except Exception:", "BLE001"),
        ("    X = 2", ""),
        ("try:", ""),
        ("    X = 3", ""),
        ("except:", "E722"),
        ("    X = 4", ""),
    ],
    "stoa/platform/http/planted.py": [("from django.db import transaction", "TID251")],
    "stoa/platform/db/planted.py": [("from django.db import transaction", "TID251")],
    "tests/platform/test_planted.py": [("import datetime", ""), ("datetime.datetime.now()", "DTZ005")],
    "stoa/apps/planted/unsorted.py": [("import re", "I001"), ("import abc", "")],
}


@pytest.fixture(scope="module")
def found(scratch: Scratch) -> dict[tuple[str, int], set[str]]:
    for file, lines in _REFUSED.items():
        scratch.plant(file, "".join(f"{line}\n" for line, _ in lines))
    ruff = str(Path(sys.executable).parent / "ruff")
    command = [ruff, "check", "--no-cache", "--output-format=json", "stoa", "tests"]
    done = subprocess.run(command, cwd=scratch.root, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stderr
    rules = defaultdict(set)
    for fault in json.loads(done.stdout):
        file = Path(fault["filename"]).relative_to(scratch.root.resolve()).as_posix()
        rules[file, fault["location"]["row"]].add(fault["code"])
    return rules


@pytest.mark.parametrize(
    ("file", "row", "rule"),
    [
        pytest.param(file, row, rule, id=f"{rule} {line}")
        for file, lines in _REFUSED.items()
        for row, (line, rule) in enumerate(lines, start=1)
        if rule
    ],
)
def test_the_line_is_refused(file: str, row: int, rule: str, found: dict[tuple[str, int], set[str]]) -> None:
    assert rule in found[file, row]


def test_the_one_opener_of_transactions_is_not_refused(found: dict[tuple[str, int], set[str]]) -> None:
    assert "django.db" in (Path(__file__).parent.parent / "stoa/platform/db/transactions.py").read_text()
    assert not [place for place in found if place[0] == "stoa/platform/db/transactions.py"]
