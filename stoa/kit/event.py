"""What happened: a frozen fact in the past tense, with a name and a version.

`name` and `version` say how its JSON is to be read, in this release and the next; a change that an old reader would
misread is a new version. An event never carries a secret: it is stored, shown to staff and handed to every subscriber.
"""

from typing import ClassVar

from stoa.kit.contract import Contract


class Event(Contract):
    """Subclasses set `name` (`app.what_happened`) and, when they change, `version`."""

    name: ClassVar[str] = ""
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        """What this event is about: subscribers that ask for order get events of one key in the order of their
        publication. Publish under the lock of that row. Empty: no order."""
        return ""
