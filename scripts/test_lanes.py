"""What `make test` runs: the lanes of the suite in order, each with its wall time and its budget.

    .venv/bin/python scripts/test_lanes.py [--lane NAME ...] [-- PYTEST ARGUMENTS]

A lane whose services are missing is left out with one line; REQUIRE_SERVICES=1 (what CI says) makes that a failure,
and a lane over its budget too. The last line is the total of all lanes, alone on its line.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if not __package__:
    sys.path[0] = str(ROOT)

from scripts.lane_services import ServiceMissing, postgres_url, redis_url  # noqa: E402 - found from the root

TRUE_WORDS = {"1", "true", "yes", "on"}
TIMED_OUT = -1
STATUSES = {2: "was interrupted", 3: "broke", 4: "was called wrongly", 5: "collected nothing", TIMED_OUT: "timed out"}


@dataclass(frozen=True)
class Lane:
    name: str
    budget_s: int
    with_services: bool = False
    paths: tuple[str, ...] = ()
    side_by_side: int = 1
    """Processes that share the files: tests wait for deadlines, for the database and for processes of their own."""
    without: tuple[str, ...] = ()
    """Pytest plugins it has no use for: loading them is a tenth of the unit lane."""


@dataclass
class Outcome:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    faults: list[str] = field(default_factory=list)


DEFAULT = ("unit", "processes", "app-sqlite", "app-postgres", "tasks")
LANES = {
    lane.name: lane
    for lane in (
        Lane(
            "unit",
            # Ten seconds are the aim; on a machine that is three times slower it takes 25.
            45,
            paths=("tests/kit", "tests/wire", "tests/runtime", "stoa/apps/*/tests/test_domain.py"),
            without=("schemathesis", "anyio"),
        ),
        Lane("processes", 600, side_by_side=3),
        Lane("app-sqlite", 300, side_by_side=2),
        Lane("app-postgres", 480, with_services=True, side_by_side=2),
        Lane("tasks", 240, with_services=True, paths=("tests/platform/outbox",)),
        Lane("schemathesis", 300, with_services=True, paths=("tests/schemathesis",)),
        Lane("browser", 180, paths=("tests/browser",)),
        Lane("byhand", 300, paths=("tests/project",)),
    )
}
ADDRESSES = ("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "CELERY_RESULT_BACKEND")
ADDRESS_PARTS = ("DB_", "POSTGRES_", "REDIS_")


def main() -> int:
    options = _options()
    required = _says_yes("REQUIRE_SERVICES")
    enforced = required or _says_yes("CI")
    total = Outcome()
    with tempfile.TemporaryDirectory(prefix="stoa_answers_") as answers:
        whole = not options.lane and not options.pytest
        arguments = [*options.pytest, *(["--answers", answers] if whole else [])]
        for name in options.lane or DEFAULT:
            # A lane asked for by name is never left out in silence.
            outcome = run_lane(LANES[name], arguments, required=required or bool(options.lane), enforced=enforced)
            whole = whole and bool(outcome.passed) and not outcome.failed
            total.passed += outcome.passed
            total.failed += outcome.failed
            total.skipped += outcome.skipped
            total.faults += outcome.faults
        if whole:
            compare_with_the_document(Path(answers), total)
    for fault in total.faults:
        print(f"failed: {fault}")
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped", flush=True)
    return 1 if total.faults or total.failed else 0


def compare_with_the_document(answers: Path, total: Outcome) -> None:
    """Only after every lane ran and passed: a failed or left-out one would hide what it had produced."""
    command = [sys.executable, "-m", "architecture.documented_statuses", str(answers)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(f"documented statuses: {done.stdout.strip()}{done.stderr[-2000:]}", flush=True)
    if done.returncode != 0:
        total.faults.append("a route documents what no test has produced, or answered what it does not document")
        total.failed += 1


def run_lane(lane: Lane, arguments: list[str], *, required: bool, enforced: bool) -> Outcome:
    """Runs pytest in a process of its own, ended at twice the budget where budgets are enforced."""
    try:
        environ = environment(lane)
    except ServiceMissing as missing:
        fails = required or missing.named
        print(f"lane {lane.name}: {'failed' if fails else 'skipped'}: {missing}", flush=True)
        return Outcome(failed=1, faults=[f"lane {lane.name}: {missing}"]) if fails else Outcome()
    with tempfile.TemporaryDirectory(prefix="stoa_lane_") as folder:
        report = Path(folder, "report.xml")
        command = [
            sys.executable,
            "-m",
            "pytest",
            f"--config-file={ROOT / 'pytest.ini'}",
            "-q",
            "--durations=10",
            "--durations-min=1.5",
        ]
        command += [f"-pno:{plugin}" for plugin in lane.without]
        command += (
            [f"-n{lane.side_by_side}", "--dist=loadgroup", "--no-loadscope-reorder"] if lane.side_by_side > 1 else []
        )
        command += ["--lane", lane.name, f"--junit-xml={report}"]
        command += [*(["--require-services"] if required else []), *_paths(lane), *arguments]
        print(f"== lane {lane.name}", flush=True)
        started = time.monotonic()
        status = _run(command, environ, lane.budget_s * 2 if enforced else None)
        seconds = time.monotonic() - started
        outcome = _read(report)
    _judge(lane, outcome, status, seconds, enforced=enforced)
    counted = f"{outcome.passed} passed" + (f", {outcome.failed} failed" if outcome.failed else "")
    counted += f", {outcome.skipped} skipped" if outcome.skipped else ""
    print(f"lane {lane.name}: {counted} in {seconds:.1f} s (budget {lane.budget_s} s)", flush=True)
    return outcome


def _run(command: list[str], environ: dict[str, str], limit_s: float | None) -> int:
    """At its limit pytest is interrupted, so that it still says what failed and where it hung; then it is killed."""
    process = subprocess.Popen(command, cwd=ROOT, env=environ)
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        return TIMED_OUT
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def environment(lane: Lane) -> dict[str, str]:
    """The caller's, with the services of this lane and no others. Raises ServiceMissing."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ADDRESSES and not name.startswith(ADDRESS_PARTS) and name != "DJANGO_SETTINGS_MODULE"
    }
    if lane.with_services:
        kept["DATABASE_URL"] = postgres_url()
        kept["REDIS_URL"] = redis_url()
    return kept


def _judge(lane: Lane, outcome: Outcome, status: int, seconds: float, *, enforced: bool) -> None:
    """An exit status that the report does not explain is a failure of its own: a crash, a time-out, an empty lane."""
    if status != 0 and not (status == 1 and outcome.failed):
        outcome.faults.append(f"lane {lane.name}: pytest {STATUSES.get(status) or f'ended with status {status}'}")
    if enforced and seconds > lane.budget_s:
        outcome.faults.append(f"lane {lane.name}: {seconds:.1f} s is over its budget of {lane.budget_s} s")
    if outcome.faults and not outcome.failed:
        outcome.failed = 1


def _read(report: Path) -> Outcome:
    if not report.is_file():
        return Outcome()
    suites = ElementTree.parse(report).getroot().iter("testsuite")  # noqa: S314 - written by our own pytest
    outcome = Outcome()
    for suite in suites:
        counts = {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}
        outcome.failed += counts["failures"] + counts["errors"]
        outcome.skipped += counts["skipped"]
        outcome.passed += counts["tests"] - counts["failures"] - counts["errors"] - counts["skipped"]
    return outcome


def _paths(lane: Lane) -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for pattern in lane.paths for path in ROOT.glob(pattern))


def _says_yes(name: str) -> bool:
    return os.environ.get(name, "").lower() in TRUE_WORDS


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run the suite's lanes.")
    parser.add_argument("--lane", action="append", choices=sorted(LANES), help="only this lane; may be repeated")
    parser.add_argument("pytest", nargs="*", help="further arguments of pytest, after --")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
