"""`stoa worker` as a process: waits for its database, beats, sweeps, and stops within five seconds."""

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.project.checkout import Checkout, wait_for

CLI = ("-m", "stoa.project.cli", "worker")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    made = Checkout(tmp_path_factory.mktemp("stoa") / "a checkout")
    yield made
    made.end()


def rows(checkout: Checkout, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(checkout.folder / "var/stoa.sqlite3", timeout=5)) as database:
        return database.execute(query).fetchall()


BEATING = "SELECT role, slot, pid FROM sweeps_heartbeat ORDER BY slot"
UNSWEPT = "SELECT count(*) FROM sweeps_sweep WHERE last_ended_at IS NULL OR last_error <> ''"


def log_of(checkout: Checkout) -> str:
    path: Path = checkout.folder / "logs/celery.log"
    return path.read_text() if path.exists() else ""


def test_it_waits_for_its_tables_then_beats_and_sweeps_and_stops_in_time(checkout: Checkout) -> None:
    worker = checkout.python(*CLI)
    wait_for(lambda: "trying again" in log_of(checkout))
    assert checkout.call_python("manage.py", "migrate").returncode == 0
    wait_for(lambda: rows(checkout, BEATING) == [("worker", 0, worker.pid)])
    wait_for(lambda: rows(checkout, "SELECT count(*) FROM sweeps_sweep") != [(0,)])
    wait_for(lambda: rows(checkout, UNSWEPT) == [(0,)])
    began = time.monotonic()
    worker.terminate()
    assert worker.wait(5) == 0
    assert time.monotonic() - began < 5
    assert rows(checkout, BEATING) == []
    log = log_of(checkout)
    assert log.count("msg=worker started") == 1
    assert log.count("msg=worker stopped") == 1
    assert "Traceback" not in checkout.output() + log


def test_killed_it_leaves_its_row_and_the_next_takes_another_slot(checkout: Checkout) -> None:
    first = checkout.python(*CLI)
    wait_for(lambda: [pid for _, _, pid in rows(checkout, BEATING)] == [first.pid])
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    second = checkout.python(*CLI)
    wait_for(lambda: rows(checkout, BEATING) == [("worker", 0, first.pid), ("worker", 1, second.pid)])
    os.kill(second.pid, signal.SIGINT)
    assert second.wait(5) == 0
    assert [pid for _, _, pid in rows(checkout, BEATING)] == [first.pid]
