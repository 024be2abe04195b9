"""How the outbox stands: two cheap numbers for health and metrics, and the whole picture for a person."""

from dataclasses import dataclass
from datetime import datetime

from stoa.kit.clock import utc_now
from stoa.platform.db.rows import fetch_rows
from stoa.platform.outbox.statements import HELD_BACK
from stoa.platform.outbox.values import read_time, stored_time

PARKED_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Parked:
    """`key` is what it holds back, empty when nothing; `error` was masked when it was written."""

    id: int
    subscriber: str
    event: str
    key: str
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class Status:
    """`counts`: deliveries by subscriber and state."""

    unexpanded: int
    counts: dict[str, dict[str, int]]
    lag_s: float
    parked: tuple[Parked, ...]


def lag_s(*, now: datetime | None = None) -> float:
    """Seconds that the oldest thing to do has been waiting for a worker, 0 when nothing waits. Two index look-ups.

    A delivery under a lease or backing off does not wait, nor does one that another holds back: parked_count() tells
    that."""
    moment = now or utc_now()
    oldest = [
        *fetch_rows("SELECT occurred_at FROM outbox_event WHERE expanded_at IS NULL ORDER BY id LIMIT 1"),
        *fetch_rows(
            f"""SELECT due.due_at FROM outbox_delivery AS due
            WHERE due.state = 'pending' AND due.due_at <= %s AND (due.ordered_key = '' OR NOT {HELD_BACK})
            ORDER BY due.due_at, due.id LIMIT 1""",
            [stored_time(moment)],
        ),
    ]
    return max((max((moment - read_time(at)).total_seconds(), 0.0) for (at,) in oldest), default=0.0)


def parked_count() -> int:
    """From an index that holds nothing but the parked."""
    return int(fetch_rows("SELECT count(*) FROM outbox_delivery WHERE state = 'parked'")[0][0])


def status(*, now: datetime | None = None) -> Status:
    """Reads every delivery once: for a command, not for a scrape."""
    counts: dict[str, dict[str, int]] = {}
    for subscriber, state, count in fetch_rows(
        "SELECT subscriber, state, count(*) FROM outbox_delivery GROUP BY subscriber, state ORDER BY subscriber, state"
    ):
        counts.setdefault(subscriber, {})[state] = count
    parked = fetch_rows(
        """SELECT delivery.id, delivery.subscriber, event.name, delivery.ordered_key, delivery.attempts, delivery.error
        FROM outbox_delivery AS delivery JOIN outbox_event AS event ON event.id = delivery.event_id
        WHERE delivery.state = 'parked' ORDER BY delivery.id LIMIT %s""",
        [PARKED_SHOWN],
    )
    unexpanded = fetch_rows("SELECT count(*) FROM outbox_event WHERE expanded_at IS NULL")[0][0]
    return Status(int(unexpanded), counts, lag_s(now=now), tuple(Parked(*row) for row in parked))
