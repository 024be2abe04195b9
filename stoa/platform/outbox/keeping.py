"""What becomes of old rows: swept when done, made anew for a subscriber that missed them, tried again when parked."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from stoa.kit.clock import utc_now
from stoa.platform.db.transactions import hint_after_commit, transaction
from stoa.platform.outbox.statements import holes
from stoa.platform.outbox.subscriptions import Subscription
from stoa.platform.outbox.values import stored_time
from stoa.platform.outbox.wake import wake
from stoa.runtime.config.current import settings
from stoa.runtime.pause_points import pause_point

REPLAYED_AT_ONCE = 500
_FIRST_YOUNG = """coalesce(
    (SELECT id FROM outbox_event WHERE occurred_at >= %s ORDER BY id LIMIT 1), 9223372036854775807)"""
"""Where a walk from the oldest may stop: what is kept beyond is young, but for a few that committed late."""


def sweep_done(limit: int = 500, *, now: datetime | None = None) -> int:
    """Delete up to `limit` events, oldest first, whose every delivery has been done for OUTBOX_RETENTION_DAYS.

    Returns how many: fewer than `limit` means that nothing is left to sweep. One transaction, which locks those
    events, so that a replay waits for it or they are passed over."""
    cutoff = (now or utc_now()) - timedelta(days=settings().outbox_retention_days)
    unlocked = pause_point("outbox.sweep_lock") or connection.vendor != "postgresql"
    lock = "" if unlocked else "FOR UPDATE OF event SKIP LOCKED"
    with transaction():
        ids = _ids(
            f"""SELECT event.id FROM outbox_event AS event
            WHERE event.id < {_FIRST_YOUNG} AND event.occurred_at < %s AND event.expanded_at < %s AND NOT EXISTS (
                SELECT 1 FROM outbox_delivery AS kept WHERE kept.event_id = event.id
                AND (kept.state <> 'done' OR kept.done_at >= %s))
            ORDER BY event.id LIMIT %s {lock}""",
            [*[stored_time(cutoff)] * 4, limit],
        )
        if not ids:
            return 0
        pause_point("outbox.sweeping")
        within = holes(ids)
        # A replay may have put a delivery there before we had the lock: then the others of that event stay too, or it
        # would no longer be known that they are done.
        _change(
            f"""DELETE FROM outbox_delivery WHERE event_id IN ({within}) AND NOT EXISTS (
                SELECT 1 FROM outbox_delivery AS kept
                WHERE kept.event_id = outbox_delivery.event_id AND kept.state <> 'done')""",
            ids,
        )
        pause_point("outbox.deliveries_swept")
        return _change(
            f"""DELETE FROM outbox_event WHERE id IN ({within}) AND NOT EXISTS (
                SELECT 1 FROM outbox_delivery AS kept WHERE kept.event_id = outbox_event.id)""",
            ids,
        )


def replay(subscription: Subscription, *, since: datetime | None = None, until: datetime | None = None) -> int:
    """Make the deliveries that this subscriber does not have yet, of kept events in `since <= occurred_at < until`.

    What it has, done or not, stays as it is, so that calling it again adds nothing. Batches of 500, a transaction
    each. Returns how many were made."""
    unlocked = pause_point("outbox.replay_lock") or connection.vendor != "postgresql"
    lock = "" if unlocked else "FOR KEY SHARE OF event SKIP LOCKED"
    conditions, times = ["event.name = %s", "event.expanded_at IS NOT NULL", "event.id > %s"], list[Any]()
    if since is not None:
        conditions.append("event.occurred_at >= %s")
        times.append(stored_time(since))
    if until is not None:
        conditions.append("event.occurred_at < %s")
        times.append(stored_time(until))
    made, last = 0, 0
    while True:
        with transaction():
            ids = _ids(
                f"""SELECT event.id FROM outbox_event AS event WHERE {" AND ".join(conditions)} AND NOT EXISTS (
                    SELECT 1 FROM outbox_delivery AS had WHERE had.event_id = event.id AND had.subscriber = %s)
                ORDER BY event.id LIMIT %s {lock}""",
                [subscription.event_name, last, *times, subscription.name, REPLAYED_AT_ONCE],
            )
            if not ids:
                return made
            made += _change(
                f"""INSERT INTO outbox_delivery (event_id, subscriber, ordered_key, state, attempts, due_at, error)
                SELECT id, %s, CASE WHEN %s = 1 THEN key ELSE '' END, 'pending', 0, %s, ''
                FROM outbox_event WHERE id IN ({holes(ids)}) ORDER BY id
                ON CONFLICT (event_id, subscriber) DO NOTHING""",
                [subscription.name, int(subscription.ordered), stored_time(utc_now()), *ids],
            )
            hint_after_commit(wake)
        last = ids[-1]


def retry_parked(*, delivery_ids: Sequence[int]) -> int:
    """Make parked deliveries due again, with all their attempts before them; their keys go on once they are done.

    Rows that are not parked are left alone. Returns how many were."""
    if not delivery_ids:
        return 0
    with transaction():
        count = _change(
            f"""UPDATE outbox_delivery SET state = 'pending', attempts = 0, due_at = %s, lease = NULL
            WHERE state = 'parked' AND id IN ({holes(delivery_ids)})""",
            [stored_time(utc_now()), *delivery_ids],
        )
        hint_after_commit(wake)
    return count


def _ids(statement: str, parameters: Sequence[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [row[0] for row in cursor.fetchall()]


def _change(statement: str, parameters: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)
