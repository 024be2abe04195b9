"""Pause points of a served process: written down by the test, armed by the process itself as it starts."""

import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from stoa.platform.testing.pausing import PATIENCE_S, on_hit
from stoa.runtime.pause_points import Action, arm

PLAN_FILE = "served.json"


@dataclass(frozen=True, slots=True)
class RemotePause:
    """`kill` is SIGKILL to the process itself; `fault` raises RemoteFault; `hold` waits for the test's `release`.

    `hit` counts arrivals in one process from 1; 0 means every arrival. `folder` is shared by test and process."""

    point: str
    action: Literal["kill", "hold", "fault", "slow", "skip"]
    hit: int = 1
    seconds: float = 0.0
    folder: str = ""

    def wait_until_reached(self, timeout_s: float = PATIENCE_S) -> None:
        """For `hold` and `kill`. Raises TimeoutError when no process comes to the point in time."""
        _wait_for(self._file("reached"), timeout_s, f"no process reached {self.point}")

    def release(self) -> None:
        self._file("released").touch()

    def _file(self, state: str) -> Path:
        return Path(self.folder) / f"{self.point}.{state}"

    def _kill(self) -> bool:
        self._file("reached").touch()
        os.kill(os.getpid(), signal.SIGKILL)
        return False

    def _hold(self) -> bool:
        self._file("reached").touch()
        _wait_for(self._file("released"), PATIENCE_S, f"the test did not release {self.point}")
        return False

    def _fault(self) -> bool:
        raise RemoteFault(self.point)

    def _slow(self) -> bool:
        time.sleep(self.seconds)
        return False

    def arm(self) -> None:
        actions: dict[str, Action] = {
            "kill": self._kill,
            "hold": self._hold,
            "fault": self._fault,
            "slow": self._slow,
            "skip": lambda: True,
        }
        arm(self.point, on_hit(self.hit, actions[self.action]))


class RemoteFault(Exception):
    """Raised on a test's order inside a served process."""


@dataclass(frozen=True, slots=True)
class ServedPlan:
    """What a served process reads first: which WSGI application it serves, and its pause points."""

    application: str
    pauses: list[RemotePause] = field(default_factory=list)


def arm_all(pauses: Iterable[RemotePause]) -> None:
    for pause in pauses:
        pause.arm()


def _wait_for(path: Path, timeout_s: float, otherwise: str) -> None:
    _until(path.exists, timeout_s, otherwise)


def _until(met: Callable[[], bool], timeout_s: float, otherwise: str) -> None:
    deadline = time.monotonic() + timeout_s
    while not met():
        if time.monotonic() > deadline:
            raise TimeoutError(otherwise)
        time.sleep(0.01)
