""".ci/lanes.sh: what a lane prints, when it fails, and what the last line of CI says."""

import re
import subprocess

from stoa.platform.testing.runner import ROOT


def ci(script: str) -> subprocess.CompletedProcess[str]:
    program = f"set -uo pipefail\n. .ci/lanes.sh\n{script}\nreport\n"
    return subprocess.run(["bash", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)


def ended(done: subprocess.CompletedProcess[str], lane: str) -> str:
    """How the lane did. What it took, in whole seconds, is 1 where a second ends meanwhile."""
    [how] = re.findall(rf"^== lane {lane}: (.+) in [01] s \(budget 5 s\)$", done.stdout, re.MULTILINE)
    return str(how)


def lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    return done.stdout.splitlines()


def test_the_sum_counts_tests_where_there_are_and_checks_where_not() -> None:
    done = ci("lane suite 5 echo '12 passed, 0 failed, 3 skipped'\nlane lint 5 echo 'all fine'")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ended(done, "suite") == "ok"
    assert lines(done)[-1] == "13 passed, 0 failed"


def test_a_failing_lane_does_not_stop_the_next_and_fails_the_whole() -> None:
    done = ci("lane first 5 bash -c 'echo 7 passed, 2 failed, 0 skipped; exit 1'\nlane second 5 true")
    assert done.returncode == 1
    assert ended(done, "second") == "ok"
    assert "failed: first: failed (exit 1)" in lines(done)
    assert lines(done)[-1] == "8 passed, 2 failed"


def test_a_lane_that_breaks_without_a_failed_test_counts_as_one_failure() -> None:
    done = ci("lane first 5 bash -c 'echo 7 passed, 0 failed, 0 skipped; exit 3'\nlane second 5 false")
    assert done.returncode == 1
    assert lines(done)[-1] == "7 passed, 2 failed"


def test_a_lane_over_its_budget_fails_and_at_twice_the_budget_it_is_ended() -> None:
    done = ci("lane slow 0 sleep 1.1\nlane hanging 1 sleep 60")
    assert done.returncode == 1
    assert "failed: slow: failed (over its budget)" in lines(done)
    assert "failed: hanging: failed (ended at twice its budget)" in lines(done)
    assert lines(done)[-1] == "0 passed, 2 failed"


def test_all_lanes_together_have_a_limit() -> None:
    done = ci("limit=-1\nlane quick 5 true")
    assert done.returncode == 1
    assert lines(done)[-1] == "1 passed, 1 failed"


def test_only_the_lanes_asked_for_run_and_install_always() -> None:
    done = ci("asked=(bench)\nlane install 5 echo installing\nlane lint 5 echo linting\nlane bench 5 echo measuring")
    assert "installing" in lines(done)
    assert "measuring" in lines(done)
    assert "linting" not in lines(done)
    assert lines(done)[-1] == "2 passed, 0 failed"
