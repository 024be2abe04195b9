"""What a soaked Celery worker imports (`-I`): the subscribers, its pause points, and a sign that it is ready."""

from pathlib import Path

from celery.signals import worker_ready
from pydantic import TypeAdapter

from benchmarks.soak import subscribers  # noqa: F401 - registers them
from benchmarks.soak.child import PLAN, READY, Plan
from stoa.platform.testing.remote_pauses import arm_all

arm_all(TypeAdapter(Plan).validate_json(Path(PLAN).read_bytes()).pauses)


@worker_ready.connect
def _ready(**_: object) -> None:
    Path(READY).touch()
