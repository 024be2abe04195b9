"""What platform/realtime needs from above."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from stoa.kit.contract import Contract


class Hearing(Contract):
    """Somebody who wants to hear, or hears, the channel of one thing: an organization, a thread, a post."""

    user_id: UUID
    of: UUID


class SessionAsked(Contract):
    user_id: UUID
    session_id: UUID


class ChannelAuthoriser(Protocol):
    """Which of these may hear it now? For all of them in one query."""

    def __call__(self, asked: Sequence[Hearing]) -> frozenset[Hearing]: ...


class LiveSessions(Protocol):
    """Which of these sessions still open something: not ended, not expired, of somebody who may sign in? One query."""

    def __call__(self, asked: Sequence[SessionAsked]) -> frozenset[SessionAsked]: ...
