"""The tick that beat sends, and the sweeps that look after the schedules' own rows."""

from datetime import timedelta

from celery import shared_task
from django_celery_results.models import TaskResult

from stoa.kit.clock import utc_now
from stoa.platform.sweeps.models import Heartbeat
from stoa.platform.sweeps.registry import sweep
from stoa.platform.sweeps.running import run_due

TICK_FOR_S = 60.0
"""A tick ends well within Celery's time limits; the next goes on where it stopped."""
_HEARTBEATS_KEPT = timedelta(hours=1)
_RESULTS_KEPT = timedelta(days=1)


@shared_task(name="stoa.platform.sweeps.tasks.tick", ignore_result=True)  # type: ignore[untyped-decorator]
def tick() -> int:
    """Run the sweeps that are due. Ticks at once, lost or repeated do no harm: leases and schedules are rows."""
    return run_due(for_s=TICK_FOR_S)


@sweep("sweeps.heartbeats", every_s=300)
def old_heartbeats(limit: int) -> int:
    """Of processes that died an hour ago: until then the row tells that one did."""
    old = Heartbeat.objects.filter(beat_at__lt=utc_now() - _HEARTBEATS_KEPT).order_by("pk")
    return Heartbeat.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:limit])).delete()[0]


@sweep("celery.results", every_s=3600)
def old_results(limit: int) -> int:
    """What tasks returned, where Celery keeps it in the database; Redis lets it expire by itself."""
    old = TaskResult.objects.filter(date_done__lt=utc_now() - _RESULTS_KEPT).order_by("date_done")
    deleted, _ = TaskResult.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:limit])).delete()
    return int(deleted)
