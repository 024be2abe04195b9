"""The race harness: at the same moment, on connections of their own, with nothing left open."""

import threading
import time

import pytest
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from stoa.platform.testing.races import repeat_together, run_together


def test_outcomes_come_back_in_the_order_of_the_contenders() -> None:
    def fail() -> int:
        raise ValueError("the second loses")

    first, second = run_together(lambda: 1, fail)
    assert (first.value, first.error) == (1, None)
    assert first.result() == 1
    assert second.value is None
    with pytest.raises(ValueError, match="the second loses"):
        second.result()


def test_all_start_at_the_same_moment() -> None:
    starts = [outcome.result() for outcome in repeat_together(8, lambda _: time.monotonic())]
    assert len(starts) == 8
    assert max(starts) - min(starts) < 0.5


def test_a_contender_that_does_not_end_is_named() -> None:
    never = threading.Event()
    try:
        with pytest.raises(TimeoutError, match=r"1 of 2 contenders still run after 0\.1 s"):
            run_together(never.wait, lambda: True, timeout_s=0.1)
    finally:
        never.set()


def test_each_contender_has_a_connection_of_its_own_that_is_closed_afterwards(committed_db: None) -> None:
    all_connected = threading.Barrier(4)
    wrappers: list[BaseDatabaseWrapper] = []
    opened: set[int] = set()

    def ask(number: int) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1000 + %s", [number])
            row = cursor.fetchone()
        all_connected.wait(5)
        wrappers.append(connections["default"])
        opened.add(id(connections["default"].connection))
        return int(row[0])

    assert [outcome.result() for outcome in repeat_together(4, ask)] == [1000, 1001, 1002, 1003]
    assert len(opened) == 4
    assert [wrapper.connection for wrapper in wrappers] == [None] * 4
