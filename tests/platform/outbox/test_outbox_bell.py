"""The ringer's connection: kept between rings, lost without harm, given back when there is nothing to ring for."""

import time

import pytest
from django.db import connection

from stoa.platform.outbox.wake import CHANNEL, PostgresBell, wake

pytestmark = [pytest.mark.postgres, pytest.mark.usefixtures("committed_db")]


def ringing() -> list[int]:
    """Backends whose last word was a ring."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query = %s", [f"NOTIFY {CHANNEL}"]
        )
        return [pid for (pid,) in cursor.fetchall()]


def heard_after(bell: PostgresBell, rings: int) -> float:
    """Seconds until the bell is heard, rung that often 50 ms apart; 3 when it is not."""
    began = time.monotonic()
    for _ in range(rings):
        wake()
        time.sleep(0.05)
    bell.wait(3)
    return time.monotonic() - began


def wait_until_silent() -> None:
    until = time.monotonic() + 5
    while ringing():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_it_keeps_its_connection_while_it_rings_and_gives_it_back_afterwards() -> None:
    wait_until_silent()
    bell = PostgresBell()
    try:
        bell.wait(0.1)
        assert heard_after(bell, 1) < 1
        [first] = ringing()
        assert heard_after(bell, 2) < 1
        assert ringing() == [first]
        wait_until_silent()
        assert heard_after(bell, 1) < 1
    finally:
        bell.close()
        wait_until_silent()


def test_a_connection_that_is_ended_costs_one_ring() -> None:
    wait_until_silent()
    bell = PostgresBell()
    try:
        bell.wait(0.1)
        assert heard_after(bell, 1) < 1
        [pid] = ringing()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        time.sleep(0.1)
        assert heard_after(bell, 2) < 1
        assert ringing() != [pid]
    finally:
        bell.close()
        wait_until_silent()
