"""Routes of notifications."""

from uuid import UUID

from stoa.apps.notifications.contracts import MarkedRead, NotificationView, UnreadCount
from stoa.apps.notifications.domain import locale_of
from stoa.apps.notifications.queries import NotificationQuery, notification_page, unread_count
from stoa.apps.notifications.services import mark_all_read, mark_read
from stoa.kit.errors import Missing
from stoa.platform.http.access import SIGNED_IN
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.pages import Page
from stoa.platform.http.views import Call

routes = Routes("notifications")


@routes.get("notifications", access=SIGNED_IN, query=NotificationQuery, answer=NotificationView, listed="keyset")
def list_notifications(call: Call[None, NotificationQuery]) -> Page:
    """List what the caller was told, newest first, in the language of Accept-Language."""
    locale = locale_of(str(call.request.META.get("HTTP_ACCEPT_LANGUAGE", "")))
    return notification_page(call.caller.user_id, call.query, route=call.route, locale=locale)


@routes.get("notifications/unread-count", access=SIGNED_IN, answer=UnreadCount)
def count_unread(call: Call[None, None]) -> UnreadCount:
    """Count what the caller has not read."""
    return unread_count(call.caller.user_id)


@routes.post("notifications/<uuid:notification_id>/read", access=SIGNED_IN, answer=MarkedRead, raises=(Missing,))
def read_one(call: Call[None, None], notification_id: UUID) -> MarkedRead:
    """Mark one as read."""
    return mark_read(user_id=call.caller.user_id, notification_id=notification_id)


@routes.post("notifications/read-all", access=SIGNED_IN, answer=MarkedRead)
def read_all(call: Call[None, None]) -> MarkedRead:
    """Mark all as read."""
    return mark_all_read(user_id=call.caller.user_id)
