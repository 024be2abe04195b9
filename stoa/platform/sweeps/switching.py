"""What a person does to a sweep: switch it, make it due. A worker may be writing the rest of the row meanwhile."""

from stoa.kit.clock import utc_now
from stoa.platform.db.transactions import transaction
from stoa.platform.sweeps.models import Sweep


def switch_sweep(*, name: str, enabled: bool) -> None:
    """Off: a run that is under way ends as it would; none begins."""
    with transaction():
        Sweep.objects.filter(pk=name).update(enabled=enabled)


def make_due(*, name: str) -> None:
    """Its next run begins as soon as a worker looks, within a second; at most one runs at a time, as ever."""
    with transaction():
        Sweep.objects.filter(pk=name).update(next_at=utc_now())
