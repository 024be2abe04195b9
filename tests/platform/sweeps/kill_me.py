"""A runner in a process of its own, killed where its test says. Arguments: name of the sweep, its rows, the point."""

import os
import signal
import sys
from typing import NoReturn

import django

django.setup()

from stoa.platform.sweeps import registry  # noqa: E402 - models exist only from here on
from stoa.platform.sweeps.running import run_due  # noqa: E402
from stoa.platform.testing.pausing import on_hit  # noqa: E402
from stoa.runtime.pause_points import arm  # noqa: E402
from tests.platform.sweeps.counting import declare_counting  # noqa: E402


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


if __name__ == "__main__":
    name, owner, point, hit = sys.argv[1:]
    registry._declared.clear()
    declare_counting(name, owner)
    arm(point, on_hit(int(hit), die))
    run_due()
