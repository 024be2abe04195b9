"""scripts/test_lanes.py, called as `make test` calls it, on scratch suites of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.test_lanes import LANES, Lane
from scripts.test_lanes import run_lane as run_one_lane
from stoa.platform.testing.runner import ROOT

PASSES = "def test_one():\n    assert True\n"
FAILS = "def test_two():\n    assert False\n"
NOWHERE = "127.0.0.1:1"


def run_lane(lane: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """The lane on `folder` alone, with the service addresses given and no other ones."""
    command = [sys.executable, "scripts/test_lanes.py", "--lane", lane, "--", str(folder)]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return subprocess.run(command, cwd=ROOT, env={**kept, **environ}, capture_output=True, text=True, check=False)


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout.rstrip("\n").rpartition("\n")[2]


def test_a_lane_prints_its_count_its_time_and_its_budget_and_last_the_total(tmp_path: Path) -> None:
    (tmp_path / "test_scratch_passing.py").write_text(PASSES)
    done = run_lane("processes", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert last_line(done) == "1 passed, 0 failed, 0 skipped"
    assert "lane processes: 1 passed in " in done.stdout
    assert f" s (budget {LANES['processes'].budget_s} s)" in done.stdout


def test_a_failing_test_fails_the_lane(tmp_path: Path) -> None:
    (tmp_path / "test_scratch_failing.py").write_text(PASSES + FAILS)
    done = run_lane("processes", tmp_path)
    assert done.returncode == 1
    assert last_line(done) == "1 passed, 1 failed, 0 skipped"


def test_a_lane_that_collects_nothing_fails(tmp_path: Path) -> None:
    done = run_lane("processes", tmp_path)
    assert done.returncode == 1
    assert last_line(done) == "0 passed, 1 failed, 0 skipped"


def test_a_file_that_cannot_be_imported_fails_the_lane(tmp_path: Path) -> None:
    (tmp_path / "test_scratch_broken.py").write_text("import no_such_module\n")
    done = run_lane("processes", tmp_path)
    assert done.returncode == 1
    assert last_line(done) == "0 passed, 1 failed, 0 skipped"


def test_a_named_service_that_does_not_answer_is_a_failure_and_its_password_stays_unsaid(tmp_path: Path) -> None:
    done = run_lane("app-postgres", tmp_path, DATABASE_URL=f"postgresql://me:hunter2@{NOWHERE}/stoa")
    assert done.returncode == 1
    assert "lane app-postgres: failed: the PostgreSQL of DATABASE_URL cannot be used: OperationalError" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr
    assert last_line(done) == "0 passed, 1 failed, 0 skipped"


def test_a_lane_that_hangs_is_ended_and_says_where(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    hangs = "import time\n\ndef test_hang():\n    time.sleep(60)\n"
    (tmp_path / "test_scratch_hanging.py").write_text(PASSES + hangs)
    outcome = run_one_lane(Lane("processes", budget_s=8), [str(tmp_path)], required=False, enforced=True)
    assert (outcome.passed, outcome.failed, outcome.skipped) == (1, 1, 0)
    assert outcome.faults[0] == "lane processes: pytest timed out"
    assert outcome.faults[1].endswith("s is over its budget of 8 s")
    assert "test_scratch_hanging.py:" in capfd.readouterr().out


def test_the_budget_is_enforced_only_where_ci_asks(tmp_path: Path) -> None:
    (tmp_path / "test_scratch_passing.py").write_text(PASSES)
    lane = Lane("processes", budget_s=1)
    assert run_one_lane(lane, [str(tmp_path)], required=False, enforced=False).faults == []


@pytest.mark.postgres
@pytest.mark.redis
def test_the_postgres_lane_runs_what_the_sqlite_lane_leaves_out(tmp_path: Path) -> None:
    race = "import pytest\n\n@pytest.mark.race\ndef test_race():\n    pass\n"
    row = "def test_row(db):\n    from django.db import connection\n    connection.ensure_connection()\n"
    (tmp_path / "test_scratch_marked.py").write_text("\n\n".join([race, row, PASSES]))
    services = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
    assert last_line(run_lane("app-postgres", tmp_path, **services)) == "2 passed, 0 failed, 0 skipped"
    assert last_line(run_lane("app-sqlite", tmp_path)) == "1 passed, 0 failed, 0 skipped"
    assert last_line(run_lane("processes", tmp_path)) == "1 passed, 0 failed, 0 skipped"
