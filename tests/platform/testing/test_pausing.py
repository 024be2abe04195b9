"""What a test can do at a pause point of its own process."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from stoa.platform.testing import pausing
from stoa.runtime.pause_points import pause_point

POINT = "pausing.here"


def test_a_held_thread_goes_on_only_when_released() -> None:
    with ThreadPoolExecutor(1) as pool, pausing.held_at(POINT) as hold:
        future = pool.submit(pause_point, POINT)
        hold.wait_until_reached()
        assert not future.done()
        assert pause_point(POINT) is False, "only the first arrival is held"
        hold.release()
        assert future.result(timeout=5) is False


def test_the_end_of_the_block_releases_a_held_thread() -> None:
    with ThreadPoolExecutor(1) as pool:
        with pausing.held_at(POINT) as hold:
            future = pool.submit(pause_point, POINT)
            hold.wait_until_reached()
        assert future.result(timeout=5) is False


def test_waiting_for_a_point_that_nobody_reaches_fails() -> None:
    with pausing.held_at(POINT) as hold, pytest.raises(TimeoutError, match="no thread reached"):
        hold.wait_until_reached(timeout_s=0.01)


def test_two_threads_meet_at_the_point() -> None:
    passed: list[str] = []

    def pass_through() -> None:
        pause_point(POINT)
        passed.append("passed")

    with pausing.meeting_at(POINT, parties=2, timeout_s=10), ThreadPoolExecutor(2) as pool:
        first = pool.submit(pass_through)
        time.sleep(0.05)
        assert passed == [], "the first waits for the second"
        second = pool.submit(pass_through)
        first.result(timeout=5)
        second.result(timeout=5)
    assert passed == ["passed", "passed"]


def test_threads_that_a_lock_keeps_apart_do_not_wait_for_each_other_for_ever() -> None:
    lock = threading.Lock()
    inside = most = 0

    def pass_through() -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
            pause_point(POINT)
            inside -= 1

    with pausing.meeting_at(POINT, parties=2, timeout_s=0.05), ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(pass_through) for _ in range(2)]:
            future.result(timeout=5)
    assert most == 1


def test_a_fault_is_raised_at_the_named_arrival_only() -> None:
    with pausing.fault_at(POINT, lambda: OSError("disk full"), hit=2):
        assert pause_point(POINT) is False
        with pytest.raises(OSError, match="disk full"):
            pause_point(POINT)
        assert pause_point(POINT) is False


def test_a_skipped_point_asks_to_leave_the_step_out() -> None:
    with pausing.skipped_at(POINT):
        assert pause_point(POINT) is True
        assert pause_point(POINT) is True
    assert pause_point(POINT) is False


def test_a_slowed_point_takes_its_time() -> None:
    with pausing.slowed_at(POINT, 0.05):
        started = time.monotonic()
        assert pause_point(POINT) is False
        assert time.monotonic() - started >= 0.05
