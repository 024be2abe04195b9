"""Writing an event with its cause: one statement in the caller's transaction, and a wake-up after its commit."""

from django.db import connection

from stoa.kit.clock import utc_now
from stoa.kit.event import Event
from stoa.kit.ids import new_uuid
from stoa.platform.db.transactions import hint_after_commit, transaction_depth
from stoa.platform.outbox.models import OutboxEvent
from stoa.platform.outbox.subscriptions import write_event
from stoa.platform.outbox.wake import wake
from stoa.runtime import context

_INSERT = """INSERT INTO outbox_event (uid, name, version, key, payload, request_id, occurred_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)"""


class PublishedOutsideTransaction(RuntimeError):
    """An event without its cause could survive a rollback of it."""


def publish(event: Event) -> None:
    """Write the event in the transaction in force. Raises PublishedOutsideTransaction at depth 0.

    One raw statement, not the ORM: it stands in the hot path of every write."""
    if transaction_depth() == 0:
        raise PublishedOutsideTransaction(f"{event.name} outside transaction()")
    as_uid, as_time = OutboxEvent._meta.get_field("uid"), OutboxEvent._meta.get_field("occurred_at")
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                as_uid.get_db_prep_value(new_uuid(), connection),
                event.name,
                event.version,
                event.key,
                write_event(event),
                context.current().request_id,
                as_time.get_db_prep_value(utc_now(), connection),
            ],
        )
    hint_after_commit(wake)
