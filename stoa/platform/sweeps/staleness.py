"""What nobody has done for too long: for metrics and health. One query over a table of a few dozen rows."""

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
