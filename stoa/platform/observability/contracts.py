"""What a package answers when it is asked what it knows of a request id."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from stoa.kit.contract import Contract


class TraceLine(Contract):
    """One thing that happened. `what` is a word or two (event, delivery, audit), `detail` a line of text."""

    at: datetime
    what: str
    detail: str


class TraceSource(Protocol):
    """The lines of one package for this id, in any order, at most MOST of them. Reads only, in a fixed number of
    queries."""

    def __call__(self, request_id: str) -> Sequence[TraceLine]: ...


MOST = 1000
