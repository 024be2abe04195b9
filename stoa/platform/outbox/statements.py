"""The outbox's SQL. Both databases run the same statements, but for how rows are locked while they are picked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from stoa.platform.outbox.models import OutboxDelivery, OutboxEvent
from stoa.platform.outbox.subscriptions import Subscription

_EXPANSION_LOCK = 0x53746F61  # "Stoa": one expander at a time, so that deliveries of a key come to be in order


@dataclass(frozen=True, slots=True)
class Claimed:
    """One delivery under our lease, with its event."""

    id: int
    subscriber: str
    attempts: int
    uid: UUID
    name: str
    version: int
    payload: str
    request_id: str


def lock_expansion() -> bool:
    """Inside a transaction. False: another process is expanding. SQLite's one writer lock is held already."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_EXPANSION_LOCK])
        return bool(cursor.fetchone()[0])


def expand(subscribed: Sequence[Subscription], *, now: datetime, limit: int) -> int:
    """One delivery row per subscriber for up to `limit` events; returns how many events. Under lock_expansion()."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM outbox_event WHERE expanded_at IS NULL ORDER BY id LIMIT %s", [limit])
        ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return 0
        if subscribed:
            cursor.execute(
                f"""WITH subscribed (name, event_name, is_ordered, since) AS (VALUES {_rows(subscribed)})
                INSERT INTO outbox_delivery (event_id, subscriber, ordered_key, state, attempts, due_at, error)
                SELECT event.id, subscribed.name, CASE WHEN subscribed.is_ordered = 1 THEN event.key ELSE '' END,
                       'pending', 0, %s, ''
                FROM outbox_event AS event JOIN subscribed
                  ON subscribed.event_name = event.name AND event.occurred_at >= subscribed.since
                WHERE event.id IN ({_holes(ids)})
                ORDER BY event.id
                ON CONFLICT (event_id, subscriber) DO NOTHING""",
                [*_parameters(subscribed), _time(now), *ids],
            )
        cursor.execute(f"UPDATE outbox_event SET expanded_at = %s WHERE id IN ({_holes(ids)})", [_time(now), *ids])
    return len(ids)


def claim(*, lease: UUID, now: datetime, until: datetime, limit: int, names: Sequence[str]) -> int:
    """Put due deliveries of these subscribers under a lease; returns how many.

    By state, never by "id greater than the last seen". An earlier unfinished delivery of the same subscriber and
    ordered key, a parked one too, holds the later ones back."""
    skip = "FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE outbox_delivery SET lease = %s, due_at = %s, attempts = attempts + 1
            WHERE state = 'pending' AND due_at <= %s AND id IN (
                SELECT due.id FROM outbox_delivery AS due
                WHERE due.state = 'pending' AND due.due_at <= %s AND due.subscriber IN ({_holes(names)})
                  AND (due.ordered_key = '' OR NOT EXISTS (
                    SELECT 1 FROM outbox_delivery AS earlier
                    WHERE earlier.subscriber = due.subscriber AND earlier.ordered_key = due.ordered_key
                      AND earlier.event_id < due.event_id AND earlier.state <> 'done' AND earlier.ordered_key <> ''))
                ORDER BY due.due_at, due.id LIMIT %s {skip})""",
            [_uuid(lease), _time(until), _time(now), _time(now), *names, limit],
        )
        return int(cursor.rowcount)


def claimed(lease: UUID) -> list[Claimed]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT delivery.id, delivery.subscriber, delivery.attempts, event.uid, event.name, event.version,
                      event.payload, event.request_id
            FROM outbox_delivery AS delivery JOIN outbox_event AS event ON event.id = delivery.event_id
            WHERE delivery.lease = %s AND delivery.state = 'pending' ORDER BY delivery.event_id, delivery.id""",
            [_uuid(lease)],
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return [
            Claimed(number, subscriber, attempts, _as_uuid(uid), name, version, payload, request_id)
            for number, subscriber, attempts, uid, name, version, payload, request_id in rows
        ]


def finish(ids: Sequence[int], *, lease: UUID, now: datetime) -> int:
    """Mark done what is still under our lease; returns how many. Locks the rows until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE outbox_delivery SET state = 'done', done_at = %s, lease = NULL, error = ''
            WHERE lease = %s AND state = 'pending' AND id IN ({_holes(ids)})""",
            [_time(now), _uuid(lease), *ids],
        )
        return int(cursor.rowcount)


def put_back(delivery_id: int, *, lease: UUID, due_at: datetime, parked: bool, error: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE outbox_delivery SET state = %s, due_at = %s, lease = NULL, error = %s
            WHERE lease = %s AND state = 'pending' AND id = %s""",
            ["parked" if parked else "pending", _time(due_at), error, _uuid(lease), delivery_id],
        )


def release(lease: UUID, *, now: datetime) -> None:
    """Give back a lease that was not used, as if it had never been: the attempt does not count."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE outbox_delivery SET due_at = %s, lease = NULL, attempts = attempts - 1
            WHERE lease = %s AND state = 'pending'""",
            [_time(now), _uuid(lease)],
        )


def _rows(subscribed: Sequence[Subscription]) -> str:
    return ", ".join(["(%s, %s, %s, %s)"] * len(subscribed))


def _parameters(subscribed: Sequence[Subscription]) -> list[Any]:
    return [
        value for each in subscribed for value in (each.name, each.event.name, int(each.ordered), _time(each.since))
    ]


def _holes(values: Sequence[object]) -> str:
    return ", ".join(["%s"] * len(values))


def _time(moment: datetime) -> Any:
    return OutboxEvent._meta.get_field("occurred_at").get_db_prep_value(moment, connection)


def _uuid(value: UUID) -> Any:
    return OutboxDelivery._meta.get_field("lease").get_db_prep_value(value, connection)


def _as_uuid(value: UUID | str) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)
