"""Writing an event with its cause: one statement in the caller's transaction, and a wake-up after its commit."""

from django.db import connection

from stoa.kit.clock import utc_now
from stoa.kit.event import Event
from stoa.kit.ids import new_uuid
from stoa.platform.db.transactions import hint_after_commit, transaction_depth
from stoa.platform.outbox.subscriptions import write_event
from stoa.platform.outbox.values import stored_time, stored_uuid
from stoa.platform.outbox.wake import wake
from stoa.runtime import context
from stoa.runtime.pause_points import pause_point

_INSERT = """INSERT INTO outbox_event (uid, name, version, key, payload, request_id, occurred_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)"""


class PublishedOutsideTransaction(RuntimeError):
    """An event without its cause could survive a rollback of it."""


def publish(event: Event) -> None:
    """Write the event in the transaction in force. Raises PublishedOutsideTransaction at depth 0.

    One raw statement, not the ORM: it stands in the hot path of every write."""
    if transaction_depth() == 0:
        raise PublishedOutsideTransaction(f"{event.name} outside transaction()")
    row = (
        stored_uuid(new_uuid()),
        event.name,
        event.version,
        event.key,
        write_event(event),
        context.current().request_id,
        stored_time(utc_now()),
    )
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, row)
    pause_point("outbox.published")
    if connection.vendor == "postgresql":
        hint_after_commit(wake)
