"""What notifications shows of one fact."""

from datetime import datetime
from uuid import UUID

from stoa.kit.contract import Contract


class NotificationView(Contract):
    """`type` is what happened, `text` a sentence in the language asked for, `data` the ids to go on with."""

    id: UUID
    type: str
    text: str
    data: dict[str, str]
    created_at: datetime
    read_at: datetime | None


class UnreadCount(Contract):
    unread: int


class MarkedRead(Contract):
    marked: int
