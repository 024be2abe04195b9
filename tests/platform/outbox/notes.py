"""The event that the outbox's tests publish, and the effect that they count."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import ClassVar

from stoa.kit.clock import utc_now
from stoa.kit.event import Event
from stoa.kit.ids import new_uuid
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.delivering import Tally, expand_events
from stoa.platform.outbox.models import OutboxDelivery
from stoa.platform.outbox.publishing import publish
from stoa.platform.outbox.worker import run_once
from stoa.runtime.config import current
from tests.probe.models import Note


class NoteWritten(Event):
    name: ClassVar[str] = "probe.note_written"
    title: str
    about: str = ""

    @property
    def key(self) -> str:
        return self.about


class NoteWrittenLater(Event):
    """What a newer release publishes under the same name."""

    name: ClassVar[str] = "probe.note_written"
    version: ClassVar[int] = 2
    headline: str


def tell(*titles: str, about: str = "") -> None:
    with transaction():
        for title in titles:
            publish(NoteWritten(title=title, about=about))


def write(title: str) -> None:
    """The effect: two of one title are two rows, so that nothing but the outbox keeps it from happening twice."""
    Note.objects.create(title=title, owner_id=new_uuid())


def written() -> list[str]:
    return sorted(Note.objects.values_list("title", flat=True))


def states() -> list[tuple[str, int]]:
    return list(OutboxDelivery.objects.order_by("event_id", "subscriber").values_list("state", "attempts"))


def in_s(seconds: float) -> datetime:
    return utc_now() + timedelta(seconds=seconds)


def pass_at(seconds: float) -> Tally:
    """One pass of a worker whose clock is that far ahead."""
    expand_events()
    return run_once(now=in_s(seconds))


@contextmanager
def with_settings(**values: object) -> Iterator[None]:
    chosen = current.loaded()
    current.use(type(chosen)(chosen.settings.model_copy(update=values), chosen.origins))
    try:
        yield
    finally:
        current.use(chosen)
