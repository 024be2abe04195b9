"""When the shared store counts and when the process does, step by step under a clock that the test turns."""

import threading

import pytest

from stoa.platform.http.limit_store import Spending, StoreDown
from stoa.platform.http.limit_store_fallback import FallbackStore
from stoa.runtime.log_lines import FIELDS


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, object]]:
    return [
        (record.levelname, getattr(record, FIELDS).get("fault"))
        for record in caplog.records
        if record.name == FallbackStore.__module__
    ]


class Answering:
    """A store that does as it is told and counts who asks."""

    def __init__(self) -> None:
        self.down = False
        self.asked = 0

    def spend(self, buckets: object) -> Spending:
        self.asked += 1
        if self.down:
            raise StoreDown("TimeoutError")
        return Spending(True, [])


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_lost_store_is_tried_once_in_two_seconds(caplog: pytest.LogCaptureFixture) -> None:
    shared, local, clock = Answering(), Answering(), Clock()
    caplog.set_level("INFO", logger=FallbackStore.__module__)
    store = FallbackStore(shared, local, clock_s=clock)
    shared.down = True
    for _ in range(10):
        store.spend([])
    assert (shared.asked, local.asked) == (1, 10)
    clock.now_s += 1.9
    store.spend([])
    assert shared.asked == 1
    clock.now_s += 0.1
    for _ in range(10):
        store.spend([])
    assert (shared.asked, local.asked) == (2, 21)
    shared.down = False
    clock.now_s += 2
    for _ in range(10):
        store.spend([])
    assert (shared.asked, local.asked) == (12, 21)
    assert said(caplog) == [("WARNING", "TimeoutError"), ("INFO", None)]


def test_only_one_request_tries_while_the_others_count_locally() -> None:
    """The one that tries may wait for its socket's deadline; nobody waits with it."""
    entered, release = threading.Event(), threading.Event()
    shared, local, clock = Answering(), Answering(), Clock()

    class Slow(Answering):
        def spend(self, buckets: object) -> Spending:
            if clock.now_s > 100:
                entered.set()
                assert release.wait(10)
            return shared.spend(buckets)

    store = FallbackStore(Slow(), local, clock_s=clock)
    shared.down = True
    store.spend([])
    clock.now_s += 2
    trying = threading.Thread(target=store.spend, args=([],))
    trying.start()
    assert entered.wait(10)
    for _ in range(10):
        store.spend([])
    assert local.asked == 11
    release.set()
    trying.join(10)
    assert (shared.asked, local.asked) == (2, 12)


def test_a_failure_from_before_the_recovery_is_no_new_outage(caplog: pytest.LogCaptureFixture) -> None:
    entered, release = threading.Event(), threading.Event()
    shared, local, clock = Answering(), Answering(), Clock()
    straggler = threading.Thread(target=lambda: store.spend([]))

    class SlowForTheStraggler(Answering):
        def spend(self, buckets: object) -> Spending:
            if threading.current_thread() is straggler:
                entered.set()
                assert release.wait(10)
                raise StoreDown("TimeoutError")
            return shared.spend(buckets)

    caplog.set_level("INFO", logger=FallbackStore.__module__)
    store = FallbackStore(SlowForTheStraggler(), local, clock_s=clock)
    straggler.start()
    assert entered.wait(10)
    shared.down = True
    store.spend([])
    shared.down = False
    clock.now_s += 2
    store.spend([])
    release.set()
    straggler.join(10)
    store.spend([])
    assert (shared.asked, local.asked) == (3, 2)
    assert said(caplog) == [("WARNING", "TimeoutError"), ("INFO", None)]
