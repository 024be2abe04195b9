"""Published with its cause, delivered to each subscriber: what both databases keep."""

import pytest

from stoa.platform.db.transactions import OutsideCallInTransaction, refuse_in_transaction, transaction
from stoa.platform.outbox import statements
from stoa.platform.outbox.delivering import claim_due, deliver, delivery_key, expand_events
from stoa.platform.outbox.draining import Undelivered, drain
from stoa.platform.outbox.leasing import DELIVERIES_AT_ONCE
from stoa.platform.outbox.models import OutboxDelivery, OutboxEvent
from stoa.platform.outbox.publishing import PublishedOutsideTransaction, publish
from stoa.platform.outbox.subscriptions import reacts, sends
from stoa.platform.testing.pausing import fault_at
from stoa.runtime import context
from tests.platform.outbox.notes import NoteWritten, NoteWrittenLater, in_s, pass_at, states, tell, write, written


class Crash(BaseException):
    """What no `except Exception` sees: as near to a kill as one process comes."""


class Broken(Exception):
    """A reaction that fails."""


def test_each_subscriber_gets_each_event_once(db: None) -> None:
    sent: list[str] = []

    @reacts(NoteWritten)
    def copy(event: NoteWritten) -> None:
        write(f"copy of {event.title}")

    @sends(NoteWritten)
    def mail(event: NoteWritten) -> None:
        sent.append(event.title)

    tell("a", "b")
    assert drain().done == 4
    assert drain().done == 0
    assert sorted(sent) == ["a", "b"]
    assert written() == ["copy of a", "copy of b"]
    assert states() == [("done", 1)] * 4
    assert not OutboxDelivery.objects.exclude(lease=None).exists()


def test_a_rollback_leaves_neither_event_nor_cause(db: None) -> None:
    @reacts(NoteWritten)
    def copy(event: NoteWritten) -> None:
        write(event.title)

    with pytest.raises(Broken), transaction():
        write("cause")
        publish(NoteWritten(title="a"))
        raise Broken
    assert (drain().done, written(), OutboxEvent.objects.count()) == (0, [], 0)


def test_an_event_without_its_cause_is_refused(db: None) -> None:
    with pytest.raises(PublishedOutsideTransaction):
        publish(NoteWritten(title="x"))
    assert not OutboxEvent.objects.exists()


@pytest.mark.parametrize("point", ["outbox.claimed", "outbox.before_commit", "outbox.committed"])
@pytest.mark.parametrize("count", [1, 3])
def test_a_reaction_died_at_each_point_has_one_effect(db: None, point: str, count: int) -> None:
    @reacts(NoteWritten)
    def copy(event: NoteWritten) -> None:
        write(event.title)

    titles = ["a", "b", "c"][:count]
    tell(*titles)
    with fault_at(point, Crash), pytest.raises(Crash):
        drain()
    assert written() == (titles if point == "outbox.committed" else [])
    assert pass_at(59).done == 0, "the lease still holds"
    pass_at(61)
    assert written() == titles
    assert {state for state, _ in states()} == {"done"}


def test_died_while_expanding_makes_no_half_of_it(db: None) -> None:
    @reacts(NoteWritten)
    def copy(event: NoteWritten) -> None:
        write(event.title)

    tell("a", "b")
    with fault_at("outbox.expanded", Crash), pytest.raises(Crash):
        expand_events()
    assert not OutboxDelivery.objects.exists()
    assert drain().done == 2
    assert written() == ["a", "b"]


def test_sent_and_died_is_sent_again_under_the_same_key(db: None) -> None:
    keys: list[str] = []

    @sends(NoteWritten)
    def mail(event: NoteWritten) -> None:
        keys.append(delivery_key())

    @sends(NoteWritten)
    def push(event: NoteWritten) -> None:
        assert delivery_key() not in keys

    tell("a")
    with fault_at("outbox.sent", Crash, hit=0), pytest.raises(Crash):
        drain()
    pass_at(61)
    pass_at(122)
    assert 1 <= len(keys) <= 2
    assert set(keys) == {f"tests.mail:{OutboxEvent.objects.get().uid}"}
    assert delivery_key() == ""


def test_a_broken_subscriber_delays_only_itself(db: None) -> None:
    @reacts(NoteWritten)
    def broken(event: NoteWritten) -> None:
        write("half")
        raise Broken("password=hunter2")

    @reacts(NoteWritten)
    def whole(event: NoteWritten) -> None:
        write(event.title)

    tell("a")
    tally = drain(expect_failures=True)
    assert (tally.done, tally.failed) == (1, 1)
    assert written() == ["a"]
    failed = OutboxDelivery.objects.get(state="pending")
    assert (failed.subscriber, failed.attempts, failed.lease) == ("tests.broken", 1, None)
    assert failed.error.startswith("Broken: password=")
    assert "hunter2" not in failed.error
    tell("b")
    with pytest.raises(Undelivered, match="broken"):
        drain()


def test_who_lost_the_lease_has_done_nothing(db: None) -> None:
    @reacts(NoteWritten)
    def copy(event: NoteWritten) -> None:
        write(event.title)

    tell("a", "b")
    expand_events()
    slow = claim_due()
    assert slow is not None
    quick = claim_due(now=in_s(61))
    assert quick is not None
    assert quick.ids == slow.ids
    assert deliver(slow).done == 0
    assert written() == []
    assert deliver(quick).done == 2
    assert deliver(slow).done == 0
    assert written() == ["a", "b"]


def test_a_lease_lost_in_the_middle_undoes_the_effect(db: None) -> None:
    @reacts(NoteWritten)
    def copy(event: NoteWritten) -> None:
        write(event.title)

    tell("a")
    expand_events()
    slow = claim_due()
    assert slow is not None
    [row] = statements.claimed(slow)
    quick = claim_due(now=in_s(61))
    assert quick is not None
    assert statements.finish([row.id], lease=slow.id, now=in_s(0)) == 0
    statements.put_back(row.id, lease=slow.id, due_at=in_s(0), parked=True, error="not mine to say")
    assert states() == [("pending", 2)]
    assert deliver(quick).done == 1


def test_the_outside_is_refused_in_a_reaction_and_open_to_a_sender(db: None) -> None:
    @reacts(NoteWritten)
    def forbidden(event: NoteWritten) -> None:
        write("undone")
        refuse_in_transaction("a mail")

    @sends(NoteWritten)
    def allowed(event: NoteWritten) -> None:
        refuse_in_transaction("a mail")

    tell("a")
    tally = drain(expect_failures=True)
    assert (tally.done, tally.failed) == (1, 1)
    refused = OutboxDelivery.objects.get(subscriber="tests.forbidden")
    assert refused.error.startswith(OutsideCallInTransaction.__name__)
    assert written() == []


def test_request_id_and_names_are_there_in_a_reaction(db: None) -> None:
    seen: list[context.Context] = []

    @reacts(NoteWritten)
    def one(event: NoteWritten) -> None:
        seen.append(context.current())

    @sends(NoteWritten)
    def two(event: NoteWritten) -> None:
        seen.append(context.current())

    with context.scope(request_id="req-1", user_id="u"):
        tell("a")
    drain()
    uid = str(OutboxEvent.objects.get().uid)
    assert {(each.request_id, each.task_id, each.task_name) for each in seen} == {
        ("req-1", uid, "tests.one"),
        ("req-1", uid, "tests.two"),
    }


def test_an_event_published_in_a_reaction_belongs_to_the_same_request(db: None) -> None:
    seen: list[str] = []

    @reacts(NoteWritten)
    def again(event: NoteWritten) -> None:
        seen.append(context.current().request_id)
        if event.title == "first":
            publish(NoteWritten(title="second"))

    with context.scope(request_id="req-2"):
        tell("first")
    assert drain().done == 2
    assert seen == ["req-2", "req-2"]


def test_a_subscriber_has_a_beginning(db: None) -> None:
    @reacts(NoteWritten, since="2999-01-01")
    def later(event: NoteWritten) -> None:
        write(event.title)

    tell("a")
    assert drain().done == 0
    assert OutboxEvent.objects.get().expanded_at is not None
    assert not OutboxDelivery.objects.exists()


def test_a_version_of_a_newer_release_waits_for_it(db: None) -> None:
    seen: list[str] = []

    @reacts(NoteWritten)
    def read(event: NoteWritten) -> None:
        seen.append(type(event).__name__)

    with transaction():
        publish(NoteWrittenLater(headline="new"))
    assert drain(expect_failures=True).failed == 1
    waiting = OutboxDelivery.objects.get()
    assert (waiting.state, waiting.error.partition(":")[0], seen) == ("pending", "UnknownVersion", [])

    reacts(NoteWrittenLater)(read)
    assert pass_at(2).done == 1
    assert seen == ["NoteWrittenLater"]


def test_one_function_reads_two_versions(db: None) -> None:
    seen: list[str] = []

    @reacts(NoteWrittenLater)
    @reacts(NoteWritten)
    def read(event: NoteWritten | NoteWrittenLater) -> None:
        seen.append(event.title if isinstance(event, NoteWritten) else event.headline)

    tell("old")
    with transaction():
        publish(NoteWrittenLater(headline="new"))
    assert drain().done == 2
    assert sorted(seen) == ["new", "old"]


def test_two_subscribers_of_one_name_are_refused() -> None:
    def copy(event: NoteWritten) -> None:
        """One."""

    def other(event: NoteWritten) -> None:
        """Another of the same name."""

    other.__name__ = "copy"
    reacts(NoteWritten)(copy)
    with pytest.raises(ValueError, match=r"two subscribers are called tests\.copy"):
        reacts(NoteWritten)(other)
    with pytest.raises(ValueError, match="promises one thing"):
        sends(NoteWrittenLater)(copy)


def test_a_stop_gives_back_what_was_not_begun(db: None) -> None:
    sent: list[str] = []

    @sends(NoteWritten)
    def mail(event: NoteWritten) -> None:
        sent.append(event.title)

    tell("a", "b", "c")
    expand_events()
    lease = claim_due()
    assert lease is not None
    assert deliver(lease, stopping=lambda: len(sent) == 1).done == 1
    assert sorted(states()) == [("done", 1), ("pending", 0), ("pending", 0)]
    assert drain().done == 2
    assert sorted(sent) == ["a", "b", "c"]


def test_one_claim_takes_no_more_than_its_share(db: None) -> None:
    @reacts(NoteWritten)
    def copy(event: NoteWritten) -> None:
        write(event.title)

    tell(*(str(number) for number in range(DELIVERIES_AT_ONCE + 5)))
    expand_events()
    first, second = claim_due(), claim_due()
    assert first is not None
    assert second is not None
    assert (len(first.ids), len(second.ids), len({*first.ids, *second.ids})) == (100, 5, 105)
    assert claim_due() is None


def test_looking_at_nothing_takes_two_reads(db: None, django_assert_num_queries: object) -> None:
    reacts(NoteWritten)(write_nothing)
    with django_assert_num_queries(2) as queries:  # type: ignore[operator]
        assert pass_once_idle()
    assert all(query["sql"].startswith("SELECT") for query in queries.captured_queries)


def write_nothing(event: NoteWritten) -> None:
    """Never called."""


def pass_once_idle() -> bool:
    return expand_events() == 0 and claim_due() is None
