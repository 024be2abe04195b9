"""The loops of one process: what dies begins again, what hangs is named, and the stop is in time."""

import itertools
import threading
import time

import pytest

from stoa.project import threads
from stoa.project.threads import Loop, keep_running


class Died(Exception):
    pass


def ended_by(stop: threading.Event, loops: list[Loop], *, after_s: float, grace_s: float = 1.0) -> list[str]:
    threading.Timer(after_s, stop.set).start()
    return keep_running(loops, stop, grace_s=grace_s)


def test_a_loop_that_dies_begins_again_later_each_time_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(threads, "FIRST_DELAY_S", 0.1)
    monkeypatch.setattr(threads, "LOOK_EVERY_S", 0.01)
    stop, starts, steady = threading.Event(), list[float](), list[float]()

    def mortal(stop: threading.Event) -> None:
        starts.append(time.monotonic())
        raise Died

    def lasting(stop: threading.Event) -> None:
        steady.append(time.monotonic())
        stop.wait()

    with caplog.at_level("WARNING", logger="stoa.project.threads"):
        assert ended_by(stop, [Loop("mortal", mortal), Loop("lasting", lasting)], after_s=0.85) == []
    assert len(steady) == 1
    # After 0.1 s, 0.2 s and 0.4 s; the next would come at 1.5 s.
    assert len(starts) == 4
    pauses = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert pauses == pytest.approx([0.1, 0.2, 0.4], abs=0.08)
    told = [record.getMessage() for record in caplog.records]
    assert told.count("a loop died") == 4


def test_a_loop_that_returns_has_died_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "FIRST_DELAY_S", 0.05)
    monkeypatch.setattr(threads, "LOOK_EVERY_S", 0.01)
    stop, starts = threading.Event(), list[int]()
    assert ended_by(stop, [Loop("short", lambda stop: starts.append(1))], after_s=0.3) == []
    assert len(starts) >= 2


def test_what_does_not_stop_is_named_when_the_grace_is_over() -> None:
    stop, let_go = threading.Event(), threading.Event()
    began = time.monotonic()

    def polite(stop: threading.Event) -> None:
        stop.wait()

    def hanging(stop: threading.Event) -> None:
        let_go.wait(5)

    hung = ended_by(stop, [Loop("polite", polite), Loop("hung", hanging)], after_s=0.1, grace_s=0.3)
    assert hung == ["hung"]
    assert time.monotonic() - began < 1
    let_go.set()
