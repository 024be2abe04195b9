"""One process of the soak: `python -m benchmarks.soak.child <role>`, in a folder with its plan.

`worker` is the local worker, `relay` the same loop with CELERY_BROKER_URL set, `publisher` commits causes with their
events, `planted` a worker that marks a delivery done before its effect, in a transaction of its own."""

import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import django
from pydantic import TypeAdapter

from stoa.platform.testing.remote_pauses import RemotePause
from stoa.runtime.process import declare_role

PLAN, READY = "plan.json", "ready"


@dataclass(frozen=True, slots=True)
class Plan:
    """`events`: how many a publisher commits, from the number `start` on."""

    run: str
    folder: str
    start: int = 0
    events: int = 0
    pauses: list[RemotePause] = field(default_factory=list)


def main(role: str) -> None:
    plan = TypeAdapter(Plan).validate_json(Path(PLAN).read_bytes())
    declare_role("web" if role == "publisher" else "worker")
    django.setup()
    from stoa.platform.testing.remote_pauses import arm_all

    arm_all(plan.pauses)
    Path(READY).touch()
    if role == "publisher":
        publish_all(plan)
    else:
        work(planted=role == "planted")


def publish_all(plan: Plan) -> None:
    from django.db import OperationalError, connection

    from benchmarks.soak.subscribers import Soaked
    from stoa.kit.ids import new_uuid
    from stoa.platform.db.transactions import transaction
    from stoa.platform.outbox.publishing import publish
    from stoa.runtime.pause_points import pause_point
    from tests.probe.models import Note

    for number in range(plan.start, plan.start + plan.events):
        try:
            with transaction():
                Note.objects.create(title=f"{plan.run}:{number}", owner_id=new_uuid())
                publish(Soaked(run=plan.run, number=number, folder=plan.folder))
            pause_point("soak.published")
        except OperationalError:  # the backend was ended under us: this cause may or may not be there
            connection.close()
        time.sleep(0.004)


def work(*, planted: bool) -> None:
    from benchmarks.soak import subscribers  # noqa: F401 - registers them
    from stoa.platform.outbox.worker import run_until

    stop = threading.Event()
    run_until(stop, mark_before_effect if planted else None)


def mark_before_effect(lease: object) -> object:
    """The planted bug: whoever dies between the two transactions has lost the effect."""
    from stoa.kit.clock import utc_now
    from stoa.platform.db.transactions import transaction
    from stoa.platform.outbox import statements
    from stoa.platform.outbox.delivering import Tally, _run
    from stoa.platform.outbox.statements import Lease
    from stoa.runtime.pause_points import pause_point

    assert isinstance(lease, Lease)
    rows = statements.claimed(lease)
    for row in rows:
        statements.finish([row.id], lease=lease.id, now=utc_now())
        pause_point("outbox.before_commit")
        with transaction():
            _run(row)
    return Tally(done=len(rows))


if __name__ == "__main__":
    main(sys.argv[1])
