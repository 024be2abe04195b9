"""Pause points: nothing unless armed, and never armed outside the test environment."""

import subprocess
import sys
import timeit

import pytest

from stoa.runtime.pause_points import arm, disarm, pause_point


def test_an_unarmed_point_says_no_and_costs_next_to_nothing() -> None:
    assert pause_point("nothing.armed") is False
    assert timeit.timeit(lambda: pause_point("nothing.armed"), number=10_000) < 0.1


def test_an_armed_point_runs_its_action_and_no_other_point_does() -> None:
    seen: list[str] = []

    def note() -> bool:
        seen.append("reached")
        return True

    arm("armed.here", note)
    try:
        assert pause_point("armed.elsewhere") is False
        assert seen == []
        assert pause_point("armed.here") is True
        assert seen == ["reached"]
    finally:
        disarm("armed.here")
    assert pause_point("armed.here") is False
    assert seen == ["reached"]


@pytest.mark.slow
@pytest.mark.parametrize("environment", ["development", "staging"])
def test_arming_is_refused_outside_the_test_environment(environment: str) -> None:
    program = (
        "from stoa.runtime.pause_points import arm, pause_point\n"
        "try:\n"
        "    arm('some.point', lambda: True)\n"
        "except RuntimeError as refusal:\n"
        "    print(refusal, pause_point('some.point'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"ENVIRONMENT": environment}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "pause points can be armed only where ENVIRONMENT is test False\n"
