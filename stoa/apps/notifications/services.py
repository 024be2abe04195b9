"""Telling, reading, forgetting."""

from collections.abc import Mapping
from uuid import UUID

from stoa.apps.notifications.contracts import MarkedRead
from stoa.apps.notifications.domain import Kind
from stoa.apps.notifications.events import NotificationCreated
from stoa.apps.notifications.models import Notification
from stoa.kit.clock import utc_now
from stoa.kit.errors import Missing
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.publishing import publish


def notify(
    *, user_id: UUID, kind: Kind, data: Mapping[str, str], dedupe_key: str, about_user_id: UUID | None = None
) -> None:
    """Tell a person a fact, joining the caller's transaction, unless they were told it before. Publishes
    NotificationCreated.

    `about_user_id` is whoever else `data` names. The unique index decides, so two deliveries of one event at once tell
    it once."""
    told = Notification(
        user_id=user_id, kind=kind.value, data=dict(data), dedupe_key=dedupe_key, about_user_id=about_user_id
    )
    with transaction():
        Notification.objects.bulk_create([told], ignore_conflicts=True)
        # Django does not say whether it was a conflict; the id does: it is ours alone.
        if Notification.objects.filter(pk=told.pk).exists():
            publish(NotificationCreated(notification_id=told.pk, user_id=user_id))


def mark_read(*, user_id: UUID, notification_id: UUID) -> MarkedRead:
    """Idempotent: the first reading's time stays. Raises Missing for what is not one's own."""
    own = Notification.objects.of(user_id).filter(pk=notification_id)
    with transaction():
        marked = own.unread().update(read_at=utc_now())
        if not marked and not own.exists():
            raise Missing
    return MarkedRead(marked=marked)


def mark_all_read(*, user_id: UUID) -> MarkedRead:
    """What is unread now; a fact told a moment later stays unread. One statement."""
    with transaction():
        return MarkedRead(marked=Notification.objects.of(user_id).unread().update(read_at=utc_now()))


def forget_person(*, user_id: UUID) -> int:
    """Delete all that was told to one person and take their name out of what others were told, inside the caller's
    transaction; returns how many were deleted. Idempotent."""
    for row in Notification.objects.filter(about_user_id=user_id):
        row.data = {word: value for word, value in row.data.items() if word != "name"}
        row.about_user_id = None
        row.save(update_fields=["data", "about_user_id"])
    return Notification.objects.of(user_id).delete()[0]
