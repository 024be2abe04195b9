"""Workers at once: they share what is due, and of two who hold the same only one has its effect."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.db import IntegrityError

from stoa.kit.ids import new_id
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox import subscriptions as registry
from stoa.platform.outbox.delivering import claim_due, deliver, expand_events
from stoa.platform.outbox.keeping import replay, sweep_done
from stoa.platform.outbox.leasing import claim_to_hand_over
from stoa.platform.outbox.models import OutboxDelivery, OutboxEvent
from stoa.platform.outbox.statements import Lease
from stoa.platform.outbox.subscriptions import reacts
from stoa.platform.outbox.tasks import deliver_batch
from stoa.platform.testing.pausing import held_at, skipped_at
from stoa.platform.testing.races import Outcome, repeat_together, run_together
from tests.platform.outbox.notes import NoteWritten, in_s, tell, write
from tests.probe.models import Note

pytestmark = pytest.mark.race


@pytest.fixture(autouse=True)
def own_subscribers(committed_db: None) -> Iterator[None]:
    """What other tests left is not ours to deliver, nor is ours left to them."""
    before = dict(registry._subscriptions)
    registry._subscriptions.clear()
    while expand_events():
        pass
    yield
    registry._subscriptions.clear()
    registry._subscriptions.update(before)
    OutboxDelivery.objects.filter(subscriber__startswith="tests.").update(state="done", done_at=in_s(0))


def copy(event: NoteWritten) -> None:
    write(event.title)


def effects(titles: list[str]) -> int:
    return Note.objects.filter(title__in=titles).count()


def told(count: int) -> list[str]:
    titles = [new_id() for _ in range(count)]
    tell(*titles)
    return titles


def claims_of_two_workers() -> tuple[int, int]:
    """How many deliveries were claimed in all, and how many different ones, of twelve."""
    reacts(NoteWritten)(copy)
    told(12)
    expand_events()
    locked = threading.Event()

    def lock_all() -> None:
        """Meanwhile a worker either passes the rows over, or waits for them with its choice already made."""
        with transaction():
            list(OutboxDelivery.objects.select_for_update().filter(subscriber="tests.copy", state="pending"))
            locked.set()
            time.sleep(0.4)

    def claim() -> Lease | None:
        locked.wait(5)
        until = time.monotonic() + 5
        while (lease := claim_due(limit=6)) is None and time.monotonic() < until:
            time.sleep(0.02)
        return lease

    _, *claims = run_together(lock_all, claim, claim)
    ids = [each for one in claims for each in one.result().ids]
    return len(ids), len(set(ids))


def test_two_workers_share_what_is_due(committed_db: None) -> None:
    assert claims_of_two_workers() == (12, 12)


def test_without_lock_and_second_look_both_claim_the_same(committed_db: None) -> None:
    with skipped_at("outbox.pick"):
        assert claims_of_two_workers() == (12, 6)


def effects_of_a_worker_that_was_too_slow(count: int) -> tuple[int, int, int]:
    """What the slow one and the quick one say they did, and the effects there are."""
    reacts(NoteWritten)(copy)
    titles = told(count)
    expand_events()
    slow = claim_due()
    assert slow is not None
    with held_at("outbox.claimed") as hold:

        def overtake() -> int:
            hold.wait_until_reached()
            quick = claim_due(now=in_s(61))
            assert quick is not None
            done = deliver(quick).done
            hold.release()
            return done

        first, second = run_together(lambda: deliver(slow).done, overtake)
    return first.result() or 0, second.result() or 0, effects(titles)


@pytest.mark.parametrize("count", [1, 5])
def test_of_two_that_hold_the_same_one_has_the_effect(committed_db: None, count: int) -> None:
    assert effects_of_a_worker_that_was_too_slow(count) == (0, count, count)


@pytest.mark.parametrize("count", [1, 5])
def test_without_the_comparison_of_leases_both_have_it(committed_db: None, count: int) -> None:
    with skipped_at("outbox.compare_lease"):
        assert effects_of_a_worker_that_was_too_slow(count) == (count, count, 2 * count)


def test_four_workers_and_two_publishers_lose_and_double_nothing(committed_db: None) -> None:
    reacts(NoteWritten)(copy)
    titles: list[str] = []

    def publisher() -> None:
        for _ in range(10):
            titles.extend(told(6))

    def worker() -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            expand_events()
            lease = claim_due(limit=7)
            if lease is not None:
                deliver(lease)
            elif (
                len(titles) == 120
                and not OutboxDelivery.objects.filter(subscriber="tests.copy", state="pending").exists()
                and not OutboxEvent.objects.filter(expanded_at=None).exists()
            ):
                return

    for one in run_together(publisher, publisher, worker, worker, worker, worker):
        one.result()
    assert len(titles) == effects(titles) == 120


@dataclass(frozen=True)
class Swept:
    """What came of a replay to `tests.late` while events that `tests.copy` had done were swept."""

    titles: list[str]
    swept: Outcome[int]
    made: Outcome[int]


def late(event: NoteWritten) -> None:
    """Never had any of them."""


def deliver_all() -> None:
    while (lease := (expand_events(), claim_due())[1]) is not None:
        deliver(lease)


def replayed_while_swept(at: str, *, replay_waits: bool = False) -> Swept:
    """The sweep is held at that point until the replay has ended, or waits for a lock of the sweep's."""
    reacts(NoteWritten)(copy)
    titles = told(3)
    deliver_all()
    reacts(NoteWritten)(late)
    with held_at(at) as hold:

        def replay_meanwhile() -> int:
            hold.wait_until_reached()
            if replay_waits:
                threading.Timer(0.5, hold.release).start()
            try:
                return replay(registry.subscriptions()["tests.late"], since=in_s(-3600))
            finally:
                hold.release()

        return Swept(titles, *run_together(lambda: sweep_done(10_000, now=in_s(8 * 86_400)), replay_meanwhile))


def events_of(titles: list[str]) -> int:
    return sum(OutboxEvent.objects.filter(payload__contains=title).count() for title in titles)


def effects_after_a_replay_to_copy(titles: list[str]) -> int:
    """Of three that it has had: a replay to it may add none."""
    replay(registry.subscriptions()["tests.copy"], since=in_s(-3600))
    deliver_all()
    return effects(titles)


@pytest.mark.parametrize("at", ["outbox.sweeping", "outbox.deliveries_swept"])
def test_a_replay_passes_over_what_is_being_swept(committed_db: None, at: str) -> None:
    found = replayed_while_swept(at)
    assert found.made.result() == 0
    assert (found.swept.result() or 0) >= 3
    assert events_of(found.titles) == 0
    assert not OutboxDelivery.objects.filter(subscriber="tests.late", state="pending").exists()


def test_without_its_lock_a_replay_dies_of_the_sweep(committed_db: None) -> None:
    with skipped_at("outbox.replay_lock"):
        found = replayed_while_swept("outbox.sweeping", replay_waits=True)
    assert isinstance(found.made.error, IntegrityError)
    assert events_of(found.titles) == 0


def test_without_its_lock_a_sweep_forgets_what_was_done(committed_db: None) -> None:
    with skipped_at("outbox.sweep_lock"):
        found = replayed_while_swept("outbox.deliveries_swept")
    assert found.made.result() == 3
    assert events_of(found.titles) == 3, "kept for the replay, but without the marks of those who had them"
    assert effects_after_a_replay_to_copy(found.titles) == 6


def test_a_replay_between_choice_and_lock_of_a_sweep_keeps_the_events_whole(committed_db: None) -> None:
    """The choice is made without a lock here, as it is just before the lock is there."""
    with skipped_at("outbox.sweep_lock"):
        found = replayed_while_swept("outbox.sweeping")
    assert found.made.result() == 3
    assert events_of(found.titles) == 3
    assert effects_after_a_replay_to_copy(found.titles) == 3


def test_a_message_delivered_twice_is_run_once(committed_db: None) -> None:
    reacts(NoteWritten)(copy)
    titles = told(4)
    expand_events()
    lease = claim_to_hand_over()
    assert lease is not None
    outcomes = repeat_together(4, lambda _: deliver_batch(str(lease.id), list(lease.ids)))
    assert [one.error for one in outcomes] == [None] * 4
    assert effects(titles) == 4
    assert set(OutboxDelivery.objects.filter(id__in=lease.ids).values_list("state", "attempts")) == {("done", 1)}
