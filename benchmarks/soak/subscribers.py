"""What the soaked processes react to and what their reactions leave behind, to be counted afterwards.

Imported by every process that works (a Celery worker by `-I`). The database effect is a row without a unique title;
the outside is a file to which each act appends its key, which is one atomic write."""

import os
from pathlib import Path
from typing import ClassVar

from stoa.kit.event import Event
from stoa.kit.ids import new_uuid
from stoa.platform.outbox.delivering import delivery_key
from stoa.platform.outbox.subscriptions import reacts, sends
from tests.probe.models import Note

OUTSIDE = "outside.txt"


class Soaked(Event):
    name: ClassVar[str] = "soak.happened"
    run: str
    number: int
    folder: str

    @property
    def key(self) -> str:
        return f"{self.run}:{self.number % 7}"


def title(event: Soaked, subscriber: str) -> str:
    return f"{event.run}:{event.number}:{subscriber}"


@reacts(Soaked)
def first(event: Soaked) -> None:
    Note.objects.create(title=title(event, "first"), owner_id=new_uuid())


@reacts(Soaked, ordered=True)
def second(event: Soaked) -> None:
    Note.objects.create(title=title(event, "second"), owner_id=new_uuid())


@sends(Soaked)
def third(event: Soaked) -> None:
    line = f"{event.run}:{event.number} {delivery_key()}\n".encode()
    handle = os.open(Path(event.folder) / OUTSIDE, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(handle, line)
    finally:
        os.close(handle)
