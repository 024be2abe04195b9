"""Order of each key for subscribers that ask for it, and what holds a key back."""

import pytest

from stoa.kit.errors import Denied
from stoa.platform.outbox.draining import drain
from stoa.platform.outbox.keeping import retry_parked
from stoa.platform.outbox.models import OutboxDelivery
from stoa.platform.outbox.status import lag_s, parked_count
from stoa.platform.outbox.subscriptions import reacts, sends
from tests.platform.outbox.notes import NoteWritten, in_s, pass_at, states, tell


class Broken(Exception):
    """A reaction that fails."""


def test_events_of_a_key_come_in_the_order_of_their_publication(db: None) -> None:
    seen: list[str] = []

    @sends(NoteWritten, ordered=True)
    def follow(event: NoteWritten) -> None:
        seen.append(f"{event.about}{event.title}")

    for title in "12345":
        tell(title, about="x")
        tell(title, about="y")
    assert drain().done == 10
    assert [each for each in seen if each[0] == "x"] == ["x1", "x2", "x3", "x4", "x5"]
    assert [each for each in seen if each[0] == "y"] == ["y1", "y2", "y3", "y4", "y5"]


def test_without_a_key_nothing_waits(db: None) -> None:
    seen: list[str] = []

    @reacts(NoteWritten, ordered=True)
    def follow(event: NoteWritten) -> None:
        if event.title == "1":
            raise Broken
        seen.append(event.title)

    tell("1", "2", "3")
    assert drain(expect_failures=True).done == 2
    assert seen == ["2", "3"]


@pytest.mark.parametrize("decorated", [reacts, sends])
def test_one_that_fails_holds_back_its_key_and_no_other(db: None, decorated: type) -> None:
    failing, seen = [True], list[str]()

    @decorated(NoteWritten, ordered=True)
    def follow(event: NoteWritten) -> None:
        if failing[0] and event.title == "1" and event.about == "x":
            raise Broken
        seen.append(f"{event.about}{event.title}")

    tell("1", "2", about="x")
    tell("1", "2", about="y")
    drain(expect_failures=True)
    assert seen == ["y1", "y2"]
    failing[0] = False
    for _ in range(3):
        pass_at(2)
    assert seen == ["y1", "y2", "x1", "x2"]


def test_a_parked_one_holds_back_its_key_until_it_is_retried(db: None) -> None:
    failing, seen = [True], list[str]()

    @reacts(NoteWritten, ordered=True)
    def follow(event: NoteWritten) -> None:
        if failing[0] and event.title == "1":
            raise Denied
        seen.append(event.title)

    @reacts(NoteWritten)
    def unordered(event: NoteWritten) -> None:
        """Not held back by a neighbour."""

    tell("1", "2", "3", about="x")
    tally = drain(expect_failures=True)
    assert (tally.done, tally.failed, seen) == (3, 1, [])
    assert parked_count() == 1
    assert pass_at(100_000).idle
    assert lag_s(now=in_s(1000)) == 0, "what is held back does not wait for a worker"

    failing[0] = False
    parked = OutboxDelivery.objects.get(state="parked")
    assert retry_parked(delivery_ids=[parked.pk]) == 1
    assert retry_parked(delivery_ids=[parked.pk]) == 0
    assert retry_parked(delivery_ids=[]) == 0
    assert drain().done == 3
    assert seen == ["1", "2", "3"]
    assert {state for state, _ in states()} == {"done"}
