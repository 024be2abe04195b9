"""Reads of notifications: everybody their own."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from stoa.apps.notifications.contracts import NotificationView, UnreadCount
from stoa.apps.notifications.domain import DEFAULT_LOCALE, Kind, text_of
from stoa.apps.notifications.models import Notification
from stoa.platform.http.pages import Page, PageQuery, keyset_page


class NotificationQuery(PageQuery):
    unread: bool = False


def notification_page(user_id: UUID, query: NotificationQuery, *, route: str, locale: str) -> Page:
    """Newest first, of all or of the unread. One query."""
    rows = Notification.objects.of(user_id)

    def shape(row: Notification) -> NotificationView:
        return _view_of(row, locale)

    return keyset_page(
        rows.unread() if query.unread else rows, query, route=route, order=("-created_at", "-id"), shape=shape
    )


def unread_count(user_id: UUID) -> UnreadCount:
    """One query, over an index of unread rows alone."""
    return UnreadCount(unread=Notification.objects.of(user_id).unread().count())


def notification_told(notification_id: UUID) -> NotificationView | None:
    """In the default language; None once it is gone. One query."""
    row = Notification.objects.filter(pk=notification_id).first()
    return _view_of(row, DEFAULT_LOCALE) if row is not None else None


def told_to(user_id: UUID) -> Mapping[str, Iterable[object]]:
    """The export port of accounts: all that a person was told."""
    rows = Notification.objects.of(user_id).order_by("created_at", "id")
    return {"notifications": (_view_of(row, DEFAULT_LOCALE) for row in rows.iterator())}


def _view_of(row: Notification, locale: str) -> NotificationView:
    return NotificationView(
        id=row.pk,
        type=row.kind,
        text=text_of(Kind(row.kind), row.data, locale),
        data=row.data,
        created_at=row.created_at,
        read_at=row.read_at,
    )
