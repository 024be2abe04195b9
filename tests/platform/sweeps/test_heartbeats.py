"""Who lives, under which slot, and who has fallen silent."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connections

from stoa.kit.ids import new_id
from stoa.platform.sweeps.heartbeats import Beating, beat_until, pulses
from stoa.platform.sweeps.models import Heartbeat
from stoa.platform.testing.races import repeat_together
from tests.platform.sweeps.conftest import SetClock

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def role() -> str:
    """Of this test alone: committed rows of others stay."""
    return new_id()[-12:]


def slots(role: str) -> list[int]:
    return list(Heartbeat.objects.filter(role=role).order_by("slot").values_list("slot", flat=True))


def test_a_process_has_the_smallest_free_slot_and_takes_its_row_away(role: str) -> None:
    first, second, third = (Beating(role) for _ in range(3))
    for each in (first, second):
        each.beat()
        each.beat()
    assert slots(role) == [0, 1]
    first.end()
    assert slots(role) == [1]
    third.beat()
    assert slots(role) == [0, 1]
    for each in (second, third):
        each.end()
    assert slots(role) == []


def test_the_slot_of_a_silent_process_is_taken_over_and_it_finds_another_when_it_wakes(
    role: str, clock: SetClock
) -> None:
    sleeper, fresh = Beating(role, clock=clock), Beating(role, clock=clock)
    sleeper.beat()
    clock.goes(seconds=16)
    assert [pulse.silent for pulse in pulses(now=clock()) if pulse.role == role] == [True]
    fresh.beat()
    assert slots(role) == [0]
    assert [pulse.silent for pulse in pulses(now=clock()) if pulse.role == role] == [False]
    sleeper.beat()
    assert slots(role) == [0, 1]
    for each in (sleeper, fresh):
        each.end()


def test_a_beat_from_a_future_that_went_back_counts_as_silent(role: str, clock: SetClock) -> None:
    before = Beating(role, clock=clock)
    before.beat()
    before.close()
    assert [each.silent for each in pulses(now=clock() - timedelta(minutes=1)) if each.role == role] == [True]
    Heartbeat.objects.filter(role=role).delete()


def test_those_that_start_at_once_share_no_slot(role: str) -> None:
    def start(number: int) -> None:
        beating = Beating(role)
        beating.beat()
        beating.close()

    for outcome in repeat_together(6, start):
        outcome.result()
    assert slots(role) == [0, 1, 2, 3, 4, 5]
    Heartbeat.objects.filter(role=role).delete()


def test_the_loop_says_hello_and_goodbye(role: str) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=beat_until, args=(stop,), kwargs={"role": role})
    thread.start()
    deadline = time.monotonic() + 5
    while not slots(role) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert slots(role) == [0]
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert slots(role) == []
    connections.close_all()
