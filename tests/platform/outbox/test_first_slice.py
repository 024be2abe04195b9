"""Published with its cause, delivered once to each subscriber."""

from collections.abc import Iterator
from typing import ClassVar

import pytest

from stoa.kit.event import Event
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox import subscriptions as registry
from stoa.platform.outbox.draining import Undelivered, drain
from stoa.platform.outbox.models import OutboxDelivery
from stoa.platform.outbox.publishing import PublishedOutsideTransaction, publish
from stoa.platform.outbox.subscriptions import reacts, sends
from tests.probe.models import Note


class NoteWritten(Event):
    name: ClassVar[str] = "probe.note_written"
    title: str

    @property
    def key(self) -> str:
        return self.title


@pytest.fixture(autouse=True)
def own_subscribers() -> Iterator[None]:
    before = dict(registry._subscriptions)
    yield
    registry._subscriptions.clear()
    registry._subscriptions.update(before)


def test_each_subscriber_gets_it_once(db: None) -> None:
    seen: list[str] = []

    @reacts(NoteWritten)
    def copy(event: NoteWritten) -> None:
        Note.objects.create(title=f"copy of {event.title}", owner_id="00000000-0000-7000-8000-000000000000")

    @sends(NoteWritten)
    def tell(event: NoteWritten) -> None:
        seen.append(event.title)

    with transaction():
        publish(NoteWritten(title="first"))
    assert drain().done == 2
    assert drain().done == 0
    assert seen == ["first"]
    assert list(Note.objects.values_list("title", flat=True)) == ["copy of first"]
    assert set(OutboxDelivery.objects.values_list("state", flat=True)) == {"done"}


def test_a_broken_subscriber_delays_only_itself(db: None) -> None:
    seen: list[str] = []

    @reacts(NoteWritten)
    def broken(event: NoteWritten) -> None:
        Note.objects.create(title="half", owner_id="00000000-0000-7000-8000-000000000000")
        raise ValueError("password=hunter2")

    @reacts(NoteWritten)
    def whole(event: NoteWritten) -> None:
        seen.append(event.title)

    with transaction():
        publish(NoteWritten(title="a"))
    tally = drain(expect_failures=True)
    assert (tally.done, tally.failed) == (1, 1)
    assert not Note.objects.exists()
    failed = OutboxDelivery.objects.get(state="pending")
    assert failed.attempts == 1
    assert "hunter2" not in failed.error
    with transaction():
        publish(NoteWritten(title="b"))
    with pytest.raises(Undelivered, match="broken"):
        drain()


def test_an_event_without_its_cause_is_refused(db: None) -> None:
    with pytest.raises(PublishedOutsideTransaction):
        publish(NoteWritten(title="x"))
