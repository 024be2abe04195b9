"""Celery tasks by result, in whichever process runs them."""

import time
from typing import Any

from celery.signals import task_postrun, task_prerun

from stoa.runtime.metrics_series import CountSeries, TimeSeries

TASKS = CountSeries("stoa_tasks", "Tasks that ended, by name and result.", ("task", "result"))
TASK_SECONDS = TimeSeries("stoa_task_seconds", "Time a task took, by name.", ("task",))
_RESULTS = frozenset({"SUCCESS", "FAILURE", "RETRY", "REJECTED", "IGNORED"})

_started: dict[str, float] = {}


def count_tasks() -> None:
    """Connect to Celery's signals; calling it again changes nothing."""
    task_prerun.connect(_begin, dispatch_uid="stoa.metrics", weak=False)
    task_postrun.connect(_end, dispatch_uid="stoa.metrics", weak=False)


def _begin(task_id: str, **_: Any) -> None:
    _started[task_id] = time.perf_counter()


def _end(task_id: str, task: Any, state: str | None, **_: Any) -> None:
    began = _started.pop(task_id, None)
    TASKS.inc(task.name, state.lower() if state in _RESULTS else "other")
    if began is not None:
        TASK_SECONDS.observe(time.perf_counter() - began, task.name)
