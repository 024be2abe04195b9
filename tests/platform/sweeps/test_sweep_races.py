"""One runner at a time: two that look at once, two that seed at once; and the twin without the lease."""

import threading
from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import connection

from stoa.kit.clock import utc_now
from stoa.kit.ids import new_id
from stoa.platform.sweeps import statements
from stoa.platform.sweeps.models import Sweep
from stoa.platform.sweeps.registry import declared, sweep
from stoa.platform.sweeps.running import run_due
from stoa.platform.testing.pausing import meeting_at, skipped_at
from stoa.platform.testing.races import repeat_together, run_together

pytestmark = pytest.mark.usefixtures("own_sweeps", "committed_db")


def most_at_once() -> tuple[int, int]:
    """Four runners against one due sweep: how many were inside it at once, and how many runs there were."""
    name = f"probe.{new_id()}"
    inside = threading.Semaphore(0)
    guard, counts = threading.Lock(), {"now": 0, "most": 0, "runs": 0}

    @sweep(name, every_s=3600)
    def slow(limit: int) -> int:
        with guard:
            counts["now"] += 1
            counts["runs"] += 1
            counts["most"] = max(counts["most"], counts["now"])
        inside.acquire(timeout=0.7)
        with guard:
            counts["now"] -= 1
        return 0

    statements.seed(declared().values(), now=utc_now())
    with meeting_at("sweeps.due", parties=4):
        runs = repeat_together(4, lambda _: run_due())
    assert sum(one.result() or 0 for one in runs) == counts["runs"]
    Sweep.objects.filter(name=name).delete()
    return counts["most"], counts["runs"]


def test_of_four_runners_one_runs_it() -> None:
    assert most_at_once() == (1, 1)


def test_without_the_lease_they_run_it_beside_each_other() -> None:
    with skipped_at("sweeps.lease"):
        most, runs = most_at_once()
    assert most > 1
    assert runs > 1


def test_two_that_seed_at_once_make_one_row_each() -> None:
    names = [f"probe.{new_id()}" for _ in range(20)]
    for name in names:
        sweep(name, every_s=60)(lambda limit: 0)

    def seed(number: int) -> None:
        sweeps = list(declared().values())
        # The other way round: whoever wrote in the order it was given would wait for the other for ever.
        statements.seed(sweeps[::-1] if number % 2 else sweeps, now=utc_now())

    for outcome in repeat_together(4, seed):
        outcome.result()
    assert Sweep.objects.filter(name__in=names).count() == 20
    Sweep.objects.filter(name__in=names).delete()


@pytest.mark.postgres
def test_a_schedule_that_somebody_holds_delays_only_itself() -> None:
    """PostgreSQL: a row locked by an open transaction is skipped, not waited for."""
    held, free = sorted(f"probe.{new_id()}" for _ in range(2))
    ran: list[str] = []
    let_go, holding = threading.Event(), threading.Event()

    def note(name: str) -> Callable[[int], int]:
        def run(limit: int) -> int:
            ran.append(name)
            return 0

        return run

    for name in (held, free):
        sweep(name, every_s=3600)(note(name))
    statements.seed(declared().values(), now=utc_now())

    def hold() -> None:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1 FROM sweeps_sweep WHERE name = %s FOR UPDATE", [held])
            holding.set()
            let_go.wait(10)
            cursor.execute("ROLLBACK")

    def look() -> datetime:
        assert holding.wait(10)
        run_due(for_s=2)
        let_go.set()
        return utc_now()

    for outcome in run_together(hold, look):
        outcome.result()
    assert ran == [free]
    Sweep.objects.filter(name__in=[held, free]).delete()
