"""What a test does at a pause point of its own process: hold, meet, fault, slow down, skip."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stoa.runtime.pause_points import Action, arm, disarm

PATIENCE_S = 10.0
"""Longest a thread is held, so that a broken test fails instead of hanging."""


def on_hit(wanted: int, action: Action) -> Action:
    """Only the `wanted`-th arrival (from 1) acts; 0 means every one. Safe for several threads."""
    lock = threading.Lock()
    arrivals = 0

    def counted() -> bool:
        nonlocal arrivals
        with lock:
            arrivals += 1
            acts = wanted in (0, arrivals)
        return acts and action()

    return counted


class Hold:
    """A thread that waits at a pause point, and the test that decides when it goes on."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._released = threading.Event()

    def wait_until_reached(self, timeout_s: float = PATIENCE_S) -> None:
        """Raises TimeoutError when no thread comes to the point in time."""
        if not self._reached.wait(timeout_s):
            raise TimeoutError("no thread reached the pause point")

    def release(self) -> None:
        self._released.set()

    def arrive(self) -> bool:
        self._reached.set()
        if not self._released.wait(PATIENCE_S):
            raise TimeoutError("the test did not release the pause point")
        return False


@contextmanager
def held_at(name: str, *, hit: int = 1) -> Iterator[Hold]:
    """Hold the `hit`-th thread that comes to the point; it is let go at the latest when the block ends."""
    hold = Hold()
    with _armed(name, on_hit(hit, hold.arrive)):
        try:
            yield hold
        finally:
            hold.release()


@contextmanager
def meeting_at(name: str, *, parties: int, timeout_s: float = 2.5) -> Iterator[None]:
    """Threads go on together once `parties` of them stand at the point.

    A lock before the point keeps them from meeting: then each goes on alone after `timeout_s`, which is what a lock
    is for. Without the lock they meet, and the race happens every time."""
    barrier = threading.Barrier(parties)

    def meet() -> bool:
        try:
            barrier.wait(timeout_s)
        except threading.BrokenBarrierError:
            return False
        return False

    with _armed(name, meet):
        yield


@contextmanager
def fault_at(name: str, fault: Callable[[], BaseException], *, hit: int = 1) -> Iterator[None]:
    """Raise `fault()` in the thread that is the `hit`-th to come to the point (0: in each)."""

    def fail() -> bool:
        raise fault()

    with _armed(name, on_hit(hit, fail)):
        yield


@contextmanager
def slowed_at(name: str, seconds: float, *, hit: int = 0) -> Iterator[None]:
    def sleep() -> bool:
        time.sleep(seconds)
        return False

    with _armed(name, on_hit(hit, sleep)):
        yield


@contextmanager
def skipped_at(name: str, *, hit: int = 0) -> Iterator[None]:
    """The step that the point guards is left out: takes a lock away."""
    with _armed(name, on_hit(hit, lambda: True)):
        yield


@contextmanager
def _armed(name: str, action: Action) -> Iterator[None]:
    arm(name, action)
    try:
        yield
    finally:
        disarm(name)
