"""What notifications tells: ids only."""

from typing import ClassVar
from uuid import UUID

from stoa.kit.event import Event


class NotificationCreated(Event):
    """A person was told a fact that they had not been told."""

    name: ClassVar[str] = "notifications.created"

    notification_id: UUID
    user_id: UUID

    @property
    def key(self) -> str:
        return str(self.user_id)
