"""The outbox's SQL. Both databases run the same statements, but for how rows are locked while they are picked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from stoa.platform.db.rows import fetch_rows
from stoa.platform.outbox.subscriptions import Subscription
from stoa.platform.outbox.values import read_uuid, stored_time, stored_uuid
from stoa.runtime.pause_points import pause_point

_EXPANSION_LOCK = 0x53746F61  # "Stoa": one expander at a time, so that deliveries of a key come to be in order

HELD_BACK = """EXISTS (
    SELECT 1 FROM outbox_delivery AS earlier
    WHERE earlier.subscriber = due.subscriber AND earlier.ordered_key = due.ordered_key
      AND earlier.event_id < due.event_id
      AND earlier.state IN ('pending', 'parked') AND earlier.ordered_key > '')"""
"""Another delivery of the same subscriber and key comes first and is not done. `due` is the row in question."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Deliveries that one worker has for itself until the lease runs out. Its holder is known by the id alone."""

    id: UUID
    ids: tuple[int, ...]


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


def any_unexpanded() -> bool:
    """A look that takes no lock: SQLite has one writer, and looking is what a worker does most."""
    return bool(fetch_rows("SELECT 1 FROM outbox_event WHERE expanded_at IS NULL ORDER BY id LIMIT 1"))


def any_due(now: datetime) -> bool:
    return bool(
        fetch_rows(
            "SELECT 1 FROM outbox_delivery WHERE state = 'pending' AND due_at <= %s ORDER BY due_at, id LIMIT 1",
            [stored_time(now)],
        )
    )


def lock_expansion() -> bool:
    """Inside a transaction. False: another process is expanding. SQLite's one writer lock is held already."""
    if connection.vendor != "postgresql":
        return True
    return bool(fetch_rows("SELECT pg_try_advisory_xact_lock(%s)", [_EXPANSION_LOCK])[0][0])


def expand(subscribed: Sequence[Subscription], *, now: datetime, limit: int) -> int:
    """One delivery row per subscriber for up to `limit` events; returns how many events. Under lock_expansion()."""
    ids = [
        row[0]
        for row in fetch_rows("SELECT id FROM outbox_event WHERE expanded_at IS NULL ORDER BY id LIMIT %s", [limit])
    ]
    if not ids:
        return 0
    if subscribed:
        _change(
            f"""WITH subscribed (name, event_name, is_ordered, since) AS (VALUES {_tuples(len(subscribed), 4)})
            INSERT INTO outbox_delivery (event_id, subscriber, ordered_key, state, attempts, due_at, error)
            SELECT event.id, subscribed.name, CASE WHEN subscribed.is_ordered = 1 THEN event.key ELSE '' END,
                   'pending', 0, %s, ''
            FROM outbox_event AS event JOIN subscribed
              ON subscribed.event_name = event.name AND event.occurred_at >= subscribed.since
            WHERE event.id IN ({holes(ids)})
            ORDER BY event.id
            ON CONFLICT (event_id, subscriber) DO NOTHING""",
            [*_parameters(subscribed), stored_time(now), *ids],
        )
    _change(f"UPDATE outbox_event SET expanded_at = %s WHERE id IN ({holes(ids)})", [stored_time(now), *ids])
    return len(ids)


def claim(
    *, lease: UUID, now: datetime, until: datetime, limit: int, names: Sequence[str], attempt: int
) -> tuple[int, ...]:
    """Put due deliveries of these subscribers under a lease, and count `attempt` more; returns their ids.

    By state, never by "id greater than the last seen". An earlier unfinished delivery of the same subscriber and
    ordered key, a parked one too, holds the later ones back. One statement: it commits by itself."""
    unlocked = pause_point("outbox.pick")  # what a race test's twin takes away: the lock and the second look
    postgres = connection.vendor == "postgresql"
    picked = f"""SELECT due.id FROM outbox_delivery AS due
        WHERE due.state = 'pending' AND due.due_at <= %s AND due.subscriber IN ({holes(names)})
          AND (due.ordered_key = '' OR NOT {HELD_BACK})
        ORDER BY due.due_at, due.id LIMIT %s {"FOR UPDATE SKIP LOCKED" if postgres and not unlocked else ""}"""
    # ARRAY() is worked out once; inside IN the planner may run it again for each row, and lock past the limit.
    within = f"id = ANY(ARRAY({picked}))" if postgres else f"id IN ({picked})"
    still_due = "" if unlocked else "state = 'pending' AND due_at <= %s AND"
    rows = fetch_rows(
        f"""UPDATE outbox_delivery SET lease = %s, due_at = %s, attempts = attempts + %s
        WHERE {still_due} {within} RETURNING id""",
        [
            *(stored_uuid(lease), stored_time(until), attempt),
            *([] if unlocked else [stored_time(now)]),
            *(stored_time(now), *names, limit),
        ],
    )
    return tuple(row[0] for row in rows)


def take_over(ids: Sequence[int], *, lease: UUID, taker: UUID, until: datetime) -> tuple[int, ...]:
    """Make a lease that was handed over ours, and count the attempt: of two who were handed the same, one gets it."""
    rows = fetch_rows(
        f"""UPDATE outbox_delivery SET lease = %s, due_at = %s, attempts = attempts + 1
        WHERE lease = %s AND state = 'pending' AND id IN ({holes(ids)}) RETURNING id""",
        [stored_uuid(taker), stored_time(until), stored_uuid(lease), *ids],
    )
    return tuple(row[0] for row in rows)


def handed_over(now: datetime, *, up_to: int) -> int:
    """How many deliveries are under a lease now; counts no further than `up_to`."""
    return int(
        fetch_rows(
            """SELECT count(*) FROM (SELECT 1 FROM outbox_delivery
            WHERE state = 'pending' AND due_at > %s AND lease IS NOT NULL LIMIT %s) AS leased""",
            [stored_time(now), up_to],
        )[0][0]
    )


def claimed(lease: Lease) -> list[Claimed]:
    """In the order of publication."""
    rows = fetch_rows(
        f"""SELECT delivery.id, delivery.subscriber, delivery.attempts, event.uid, event.name, event.version,
                  event.payload, event.request_id
        FROM outbox_delivery AS delivery JOIN outbox_event AS event ON event.id = delivery.event_id
        WHERE delivery.lease = %s AND delivery.state = 'pending' AND delivery.id IN ({holes(lease.ids)})
        ORDER BY delivery.event_id, delivery.id""",
        [stored_uuid(lease.id), *lease.ids],
    )
    return [
        Claimed(number, subscriber, attempts, read_uuid(uid), name, version, payload, request_id)
        for number, subscriber, attempts, uid, name, version, payload, request_id in rows
    ]


def finish(ids: Sequence[int], *, lease: UUID, now: datetime) -> int:
    """Mark done what is still under our lease; returns how many. Locks the rows until the transaction ends."""
    ours, values = "lease = %s AND state = 'pending' AND", [stored_uuid(lease)]
    if pause_point("outbox.compare_lease"):
        ours, values = "", []
    return _change(
        f"""UPDATE outbox_delivery SET state = 'done', done_at = %s, lease = NULL, error = ''
        WHERE {ours} id IN ({holes(ids)})""",
        [stored_time(now), *values, *ids],
    )


def reopen(ids: Sequence[int], *, lease: UUID) -> None:
    """Undo finish(), in its own transaction, for rows that were not reached after all."""
    _change(
        f"UPDATE outbox_delivery SET state = 'pending', done_at = NULL, lease = %s WHERE id IN ({holes(ids)})",
        [stored_uuid(lease), *ids],
    )


def put_back(delivery_id: int, *, lease: UUID, due_at: datetime, parked: bool, error: str) -> None:
    _change(
        """UPDATE outbox_delivery SET state = %s, due_at = %s, lease = NULL, error = %s
        WHERE lease = %s AND state = 'pending' AND id = %s""",
        ["parked" if parked else "pending", stored_time(due_at), error, stored_uuid(lease), delivery_id],
    )


def wait(delivery_id: int, *, lease: UUID, due_at: datetime, error: str) -> None:
    """Put back as if this attempt had not been made."""
    _change(
        """UPDATE outbox_delivery SET due_at = %s, lease = NULL, error = %s, attempts = attempts - 1
        WHERE lease = %s AND state = 'pending' AND id = %s""",
        [stored_time(due_at), error, stored_uuid(lease), delivery_id],
    )


def renew(ids: Sequence[int], *, lease: UUID, until: datetime) -> None:
    _change(
        f"UPDATE outbox_delivery SET due_at = %s WHERE lease = %s AND state = 'pending' AND id IN ({holes(ids)})",
        [stored_time(until), stored_uuid(lease), *ids],
    )


def release(ids: Sequence[int], *, lease: UUID, now: datetime, attempt: int) -> None:
    """Give back what was not tried, as if it had never been claimed: `attempt` is what the claim had counted."""
    _change(
        f"""UPDATE outbox_delivery SET due_at = %s, lease = NULL, attempts = attempts - %s
        WHERE lease = %s AND state = 'pending' AND id IN ({holes(ids)})""",
        [stored_time(now), attempt, stored_uuid(lease), *ids],
    )


def _change(statement: str, parameters: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def _tuples(count: int, width: int) -> str:
    return ", ".join([f"({', '.join(['%s'] * width)})"] * count)


def _parameters(subscribed: Sequence[Subscription]) -> list[Any]:
    return [
        value
        for each in subscribed
        for value in (each.name, each.event_name, int(each.ordered), stored_time(each.since))
    ]


def holes(values: Sequence[object]) -> str:
    return ", ".join(["%s"] * len(values))
