"""Admission: who gets in, who waits, who is refused, and that no place is ever lost."""

import random
import threading
import time
from collections.abc import Iterable, Iterator
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest

from stoa.platform.health.admission import Admission
from tests.platform.health.lines import eventually


class Body:
    def __init__(self, *, fails_at_close: bool = False) -> None:
        self.closed = 0
        self._fails_at_close = fails_at_close

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"one", b"two"])

    def close(self) -> None:
        self.closed += 1
        if self._fails_at_close:
            raise ConnectionError("the client went away")


def overloaded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("503 Service Unavailable", [("Retry-After", "1")])
    return [b"busy"]


def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None: ...


def admission(app: WSGIApplication, *, concurrency: int = 1, queue: int = 0, timeout_s: float = 5.0) -> Admission:
    return Admission(app, concurrency=concurrency, queue=queue, queue_timeout_s=timeout_s, overloaded=overloaded)


def ask(door: Admission) -> bytes:
    body = door({}, start_response)
    try:
        return b"".join(body)
    finally:
        if hasattr(body, "close"):
            body.close()


def test_admits_some_queues_some_and_refuses_the_rest() -> None:
    gate = threading.Event()

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        gate.wait(10)
        return Body()

    door = admission(app, concurrency=2, queue=3)
    answers: list[bytes] = []
    threads = [threading.Thread(target=lambda: answers.append(ask(door))) for _ in range(9)]
    for thread in threads:
        thread.start()
    assert eventually(lambda: len(answers) == 4, within_s=5)
    assert (door.in_use, door.waiting, door.refused_total) == (2, 3, 4)
    assert answers == [b"busy"] * 4
    gate.set()
    for thread in threads:
        thread.join(5)
    assert sorted(answers) == [b"busy"] * 4 + [b"onetwo"] * 5
    assert (door.in_use, door.waiting, door.refused_total) == (0, 0, 4)


def test_the_place_is_held_until_the_body_is_closed_and_given_back_once() -> None:
    inner = Body()
    door = admission(lambda environ, start: inner, concurrency=2)
    body = door({}, start_response)
    assert b"".join(body) == b"onetwo"
    assert door.in_use == 1
    body.close()
    body.close()
    assert (door.in_use, inner.closed) == (0, 1)


def test_a_list_is_handed_on_as_it_is_and_holds_no_place() -> None:
    answer = [b"whole"]
    door = admission(lambda environ, start: answer)
    assert door({}, start_response) is answer
    assert door.in_use == 0


@pytest.mark.parametrize("fault", [ValueError, SystemExit])
def test_an_application_that_raises_gives_its_place_back(fault: type[BaseException]) -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        raise fault

    door = admission(app)
    with pytest.raises(fault):
        door({}, start_response)
    assert door.in_use == 0


def test_a_body_that_raises_when_closed_gives_its_place_back() -> None:
    door = admission(lambda environ, start: Body(fails_at_close=True))
    with pytest.raises(ConnectionError):
        ask(door)
    assert door.in_use == 0


def test_the_wait_in_the_queue_ends_with_a_refusal() -> None:
    door = admission(lambda environ, start: Body(), queue=1, timeout_s=0.2)
    holder = door({}, start_response)
    started = time.monotonic()
    assert ask(door) == b"busy"
    assert 0.2 <= time.monotonic() - started < 1.0
    assert (door.in_use, door.waiting, door.refused_total) == (1, 0, 1)
    holder.close()
    assert ask(door) == b"onetwo"


def test_the_longest_waiting_is_next() -> None:
    served: list[int] = []
    door = admission(lambda environ, start: served.append(environ["place"]) or Body(), queue=5)
    holder = door({"place": 0}, start_response)

    def wait_as(place: int) -> None:
        door({"place": place}, start_response).close()

    threads = [threading.Thread(target=wait_as, args=(place,)) for place in range(1, 6)]
    for place, thread in enumerate(threads, start=1):
        thread.start()
        assert eventually(lambda place=place: door.waiting == place, within_s=5)
    holder.close()
    for thread in threads:
        thread.join(5)
    assert served == [0, 1, 2, 3, 4, 5]


def test_no_place_is_lost_or_made_when_timeouts_and_handovers_meet() -> None:
    """Waits as short as the work, so that many places are handed over at the very moment the wait ends."""
    inside = 0
    most = 0
    counting = threading.Lock()

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        nonlocal inside, most
        with counting:
            inside += 1
            most = max(most, inside)
        time.sleep(random.uniform(0.0005, 0.0015))
        with counting:
            inside -= 1
        if random.random() < 0.2:
            raise ValueError
        return Body()

    door = admission(app, concurrency=3, queue=8, timeout_s=0.001)
    answers: list[str] = []

    def hammer() -> None:
        for _ in range(150):
            try:
                answers.append("refused" if ask(door) == b"busy" else "served")
            except ValueError:
                answers.append("raised")

    threads = [threading.Thread(target=hammer) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 1800
    assert answers.count("refused") == door.refused_total > 0
    assert most == 3
    assert (door.in_use, door.waiting) == (0, 0)
