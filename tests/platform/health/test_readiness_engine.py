"""One look at a time, shared by those who ask, and an answer in time whatever happens to it."""

import socket
import threading
import time
from collections.abc import Sequence

import pytest

from stoa.platform.health.checks import Check, Passed
from stoa.platform.health.postgres_check import PostgresCheck
from stoa.platform.health.readiness import PATIENT_CALLERS, Readiness
from stoa.platform.health.redis_check import RedisCheck
from stoa.platform.health.verdict import Verdict
from tests.platform.health.lines import eventually


class Counting:
    """Takes `takes_s` by blocking the whole loop, deadlines and all: the worst a check can do."""

    names = ("counting",)

    def __init__(self, takes_s: float = 0.0) -> None:
        self.runs = 0
        self.takes_s = takes_s

    async def run(self, passed: Passed, *, budget_s: float) -> None:
        self.runs += 1
        time.sleep(self.takes_s)  # noqa: ASYNC251 - on purpose
        passed("counting")


def readiness(*checks: Check, cache_s: float = 1.0, deadline_s: float = 0.85) -> Readiness:
    return Readiness(checks, cache_s=cache_s, deadline_s=deadline_s, draining=lambda: False)


def ask_at_once(asked: Readiness, callers: int) -> Sequence[Verdict]:
    verdicts: list[Verdict] = []
    threads = [threading.Thread(target=lambda: verdicts.append(asked.verdict())) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    return verdicts


def threads_named(name: str) -> int:
    return sum(thread.name == name for thread in threading.enumerate())


def test_those_who_ask_at_once_share_one_look() -> None:
    check = Counting(takes_s=0.2)
    verdicts = ask_at_once(readiness(check), PATIENT_CALLERS)
    assert [verdict.ready for verdict in verdicts] == [True] * PATIENT_CALLERS
    assert check.runs == 1


def test_a_crowd_does_not_take_every_thread_of_the_server() -> None:
    """All but a few are answered at once: red when nothing is known, else by what was known a moment ago."""
    check = Counting(takes_s=0.3)
    asked = readiness(check, cache_s=0.1)
    verdicts = ask_at_once(asked, PATIENT_CALLERS + 5)
    assert sorted(verdict.ready for verdict in verdicts) == [False] * 5 + [True] * PATIENT_CALLERS
    time.sleep(0.15)
    assert [verdict.ready for verdict in ask_at_once(asked, PATIENT_CALLERS + 5)] == [True] * (PATIENT_CALLERS + 5)
    assert check.runs == 2


def test_a_verdict_is_kept_for_its_time_and_no_longer() -> None:
    check = Counting()
    asked = readiness(check, cache_s=0.3)
    assert [asked.verdict().ready for _ in range(5)] == [True] * 5
    assert check.runs == 1
    time.sleep(0.31)
    assert asked.verdict().ready
    assert check.runs == 2


def test_without_a_cache_every_question_gets_a_look_of_its_own() -> None:
    """A question that meets a look on its way out starts the next one, and does not wait for nobody."""
    check = Counting()
    asked = readiness(check, cache_s=0.0)
    assert [asked.verdict().ready for _ in range(200)] == [True] * 200
    assert check.runs == 200


def test_a_check_that_blocks_everything_costs_the_deadline_and_one_thread() -> None:
    check = Counting(takes_s=2.5)
    asked = readiness(check)
    for _ in range(2):
        started = time.monotonic()
        verdict = asked.verdict()
        assert time.monotonic() - started <= 0.9
        assert [(o.name, o.ok, o.error) for o in verdict.checks] == [("counting", False, "TimeoutError")]
        assert threads_named("stoa-readiness") <= 1
    assert check.runs <= 2
    assert eventually(lambda: threads_named("stoa-readiness") == 0, within_s=4)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of asyncio's half-made loop
def test_one_look_that_cannot_even_start_is_red_and_does_not_spin(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without a free descriptor cannot make an event loop."""

    def no_descriptor(*args: object, **options: object) -> None:
        raise OSError(24, "Too many open files")

    seen: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda fault: seen.append(fault.exc_type))
    asked = readiness(Counting())
    with monkeypatch.context() as patch:
        patch.setattr(socket, "socketpair", no_descriptor)
        verdict = asked.verdict()
        assert eventually(lambda: threads_named("stoa-readiness") == 0, within_s=2)
    assert [(o.name, o.ok, o.error) for o in verdict.checks] == [("counting", False, "OSError")]
    assert seen == [OSError]


def test_name_resolution_that_hangs_costs_the_deadline_and_one_thread_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    looked_up: list[str] = []
    real = socket.getaddrinfo

    def hanging(host: str, *rest: object, **hints: object) -> object:
        looked_up.append(host)
        gate.wait(20)
        return real("127.0.0.1", *rest, **hints)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    asked = readiness(
        PostgresCheck(lambda: {"NAME": "test_stoa_x", "HOST": "db.internal", "PORT": "1"}, on_disk=dict),
        RedisCheck("redis://cache.internal:1/0"),
        cache_s=0.0,
    )
    try:
        for _ in range(4):
            started = time.monotonic()
            verdict = asked.verdict()
            assert time.monotonic() - started <= 0.9
            assert [(o.name, o.error) for o in verdict.checks] == [
                ("database", "TimeoutError"),
                ("migrations", "TimeoutError"),
                ("redis", "TimeoutError"),
            ]
        assert sorted(looked_up) == ["cache.internal", "db.internal"]
        assert threads_named("stoa-health-call") == 2
    finally:
        gate.set()
    assert eventually(lambda: threads_named("stoa-health-call") == 0, within_s=2)
    assert [o.error for o in asked.verdict().checks] == ["OperationalError", "OperationalError", "ConnectionError"]
