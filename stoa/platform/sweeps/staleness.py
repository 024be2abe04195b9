"""What nobody has done for too long: for metrics and health. One query over a table of a few dozen rows."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from stoa.kit.clock import utc_now
from stoa.platform.sweeps.models import Sweep
from stoa.platform.sweeps.registry import declared

GRACE = timedelta(minutes=5)


def stale_sweeps(*, now: datetime | None = None) -> tuple[str, ...]:
    """Names of the enabled sweeps that have not ended well for twice their interval and five minutes."""
    moment = now or utc_now()
    rows = Sweep.objects.filter(enabled=True, name__in=list(declared())).values_list("name", "every_s", "fresh_at")
    return tuple(
        name
        for name, every_s, fresh_at in rows.order_by("name")
        if moment - fresh_at > timedelta(seconds=2 * every_s) + GRACE
    )


@dataclass(frozen=True, slots=True)
class LastRun:
    """Of an enabled sweep: seconds since it last ended well, or since it is known, and how many rows it did then."""

    name: str
    age_s: float
    count: int


def last_runs(*, now: datetime | None = None) -> tuple[LastRun, ...]:
    """One query over a table of a few dozen rows."""
    moment = now or utc_now()
    rows = Sweep.objects.filter(enabled=True, name__in=list(declared())).order_by("name")
    return tuple(
        LastRun(name, max((moment - fresh_at).total_seconds(), 0.0), count)
        for name, fresh_at, count in rows.values_list("name", "fresh_at", "last_count")
    )
