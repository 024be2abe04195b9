from typing import ClassVar

from stoa.kit.event import Event


class NoteTold(Event):
    name: ClassVar[str] = "probe.note_told"
    title: str
