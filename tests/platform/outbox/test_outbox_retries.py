"""When a failed delivery is tried again, and when it is parked."""

import time

import pytest

from stoa.kit.clock import utc_now
from stoa.kit.errors import (
    Conflict,
    Denied,
    DomainError,
    Invalid,
    Limited,
    Malformed,
    Missing,
    Stale,
    Unauthenticated,
    Unavailable,
    Upstream,
)
from stoa.platform.outbox.delivering import claim_due, expand_events
from stoa.platform.outbox.draining import drain
from stoa.platform.outbox.models import OutboxDelivery
from stoa.platform.outbox.retries import LAST_ATTEMPT, retry_after_s
from stoa.platform.outbox.subscriptions import reacts, sends
from tests.platform.outbox.notes import NoteWritten, in_s, pass_at, tell, with_settings, write, written


class Broken(Exception):
    """A reaction that fails."""


def test_back_off_doubles_to_an_hour_and_ends_parked() -> None:
    waits = [retry_after_s(attempt, Broken()) for attempt in range(1, LAST_ATTEMPT + 1)]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, None]
    assert retry_after_s(10_000, Broken()) is None


@pytest.mark.parametrize("error", [Malformed(), Unauthenticated(), Denied(), Missing(), Invalid({})])
def test_what_trying_again_cannot_change_is_parked_at_once(error: DomainError) -> None:
    assert retry_after_s(1, error) is None


@pytest.mark.parametrize("error", [Conflict(), Stale(), Limited(), Upstream(), Unavailable()])
def test_what_may_pass_is_tried_again(error: DomainError) -> None:
    assert (retry_after_s(1, error), retry_after_s(5, error), retry_after_s(14, error)) == (1, 16, None)


@pytest.mark.parametrize(("asked", "waits"), [(30, 30), (0, 8), (3, 8), (10**9, 86_400)])
def test_a_pause_that_was_asked_for_is_kept_within_a_day(asked: int, waits: int) -> None:
    assert retry_after_s(4, Limited(retry_after_s=asked)) == waits


def test_a_delivery_goes_the_whole_way_to_parked(db: None) -> None:
    @reacts(NoteWritten)
    def broken(event: NoteWritten) -> None:
        raise Broken

    tell("a")
    failures, ahead = drain(expect_failures=True).failed, 0.0
    while OutboxDelivery.objects.get().state == "pending":
        ahead = (OutboxDelivery.objects.get().due_at - utc_now()).total_seconds()
        assert pass_at(ahead - 0.5).failed == 0
        failures += pass_at(ahead + 0.01).failed
    parked = OutboxDelivery.objects.get()
    assert (failures, parked.attempts, parked.state, parked.lease) == (14, 14, "parked", None)
    assert parked.error == "Broken: "
    assert pass_at(10**7).idle


def test_a_refusal_is_parked_at_the_first_attempt(db: None) -> None:
    @sends(NoteWritten)
    def refused(event: NoteWritten) -> None:
        raise Denied

    tell("a")
    assert drain(expect_failures=True).failed == 1
    assert OutboxDelivery.objects.get().state == "parked"


def test_while_a_part_of_the_house_is_away_no_attempt_counts(db: None) -> None:
    """However long it takes: the delivery is at no fault, and is there when the part is back."""
    away = True

    @sends(NoteWritten)
    def patient(event: NoteWritten) -> None:
        if away:
            raise Unavailable
        write("reached")

    tell("a")
    assert drain(expect_failures=True).failed == 1
    for second in range(1, LAST_ATTEMPT * 2):
        assert pass_at(second * 1.1).failed == 1
    waiting = OutboxDelivery.objects.get()
    assert (waiting.state, waiting.attempts, waiting.lease) == ("pending", 0, None)
    assert waiting.error.startswith("Unavailable")
    away = False
    assert pass_at(100).done == 1
    assert (OutboxDelivery.objects.get().state, written()) == ("done", ["reached"])


def test_one_that_never_ends_is_parked_too(db: None) -> None:
    """A reaction that kills its process leaves no error: its attempts are counted by the claims alone."""

    @reacts(NoteWritten)
    def deadly(event: NoteWritten) -> None:
        write("reached")

    tell("a")
    expand_events()
    for attempt in range(LAST_ATTEMPT):
        assert claim_due(now=in_s(61 * attempt)) is not None
    assert pass_at(61 * LAST_ATTEMPT).failed == 1
    parked = OutboxDelivery.objects.get()
    assert (parked.state, parked.error.partition(":")[0]) == ("parked", "Abandoned")
    assert written() == []


def test_a_slow_batch_renews_its_lease(db: None) -> None:
    """Three sends of 0.4 s under a lease of one second: nobody may be given what waits for its turn."""
    taken: list[object] = []

    @sends(NoteWritten)
    def slow(event: NoteWritten) -> None:
        time.sleep(0.4)
        taken.append(claim_due())

    with with_settings(outbox_lease_s=1):
        tell("a", "b", "c")
        assert drain().done == 3
    assert taken == [None, None, None]
