"""When a sweep runs: due, once however long nobody looked, later when it fails, and whatever the clock does."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stoa.kit.ids import new_uuid
from stoa.platform.sweeps import statements
from stoa.platform.sweeps.models import Sweep
from stoa.platform.sweeps.registry import declared, sweep
from stoa.platform.sweeps.running import retry_after_s, run_due
from stoa.platform.sweeps.staleness import last_runs, stale_sweeps
from tests.platform.sweeps.conftest import SetClock

pytestmark = pytest.mark.usefixtures("own_sweeps", "db")


class Broken(Exception):
    pass


def counted(name: str, *, every_s: int = 60, results: list[int] | None = None, batch: int = 10) -> list[datetime]:
    """Declare a sweep that notes each call; it returns `results` one after the other, then 0."""
    calls: list[datetime] = []
    left = list(results or [])

    @sweep(name, every_s=every_s, batch=batch)
    def run(limit: int) -> int:
        assert limit == batch
        calls.append(datetime.now().astimezone())
        return left.pop(0) if left else 0

    return calls


def test_it_runs_when_due_and_not_before(clock: SetClock) -> None:
    calls = counted("probe.due")
    assert run_due(clock=clock) == 1
    clock.goes(seconds=59)
    assert run_due(clock=clock) == 0
    clock.goes(seconds=1)
    assert run_due(clock=clock) == 1
    assert len(calls) == 2
    row = Sweep.objects.get(name="probe.due")
    assert (row.next_at, row.last_started_at, row.last_ended_at) == (clock() + timedelta(seconds=60), clock(), clock())
    assert (row.lease, row.lease_until, row.failures, row.last_error) == (None, None, 0, "")


def test_after_a_week_away_it_runs_once(clock: SetClock) -> None:
    calls = counted("probe.late")
    run_due(clock=clock)
    clock.goes(days=7)
    assert run_due(clock=clock) == 1
    assert len(calls) == 2


def test_a_full_batch_is_called_again_at_once(clock: SetClock) -> None:
    calls = counted("probe.full", results=[10, 10, 3])
    assert run_due(clock=clock) == 1
    assert len(calls) == 3
    assert Sweep.objects.get(name="probe.full").last_count == 23


def test_a_long_queue_gives_way_after_its_turn_and_goes_on(clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stoa.platform.sweeps.running.TURN_S", 0.0)
    order: list[str] = []

    @sweep("probe.a_long", every_s=60, batch=5)
    def long(limit: int) -> int:
        order.append("long")
        clock.goes(seconds=1)
        return 5 if order.count("long") < 3 else 0

    @sweep("probe.b_short", every_s=60)
    def short(limit: int) -> int:
        order.append("short")
        return 0

    assert run_due(clock=clock) == 4
    assert order == ["long", "short", "long", "long"]


def test_a_failing_sweep_backs_off_and_is_seen_while_others_go_on(clock: SetClock) -> None:
    others = counted("probe.whole")

    @sweep("probe.broken", every_s=10)
    def broken(limit: int) -> int:
        raise Broken("password=hunter2 of somebody")

    assert run_due(clock=clock) == 2
    row = Sweep.objects.get(name="probe.broken")
    assert (row.failures, row.next_at, row.lease) == (1, clock() + timedelta(seconds=10), None)
    assert row.last_error.startswith("Broken: ")
    assert "hunter2" not in row.last_error
    clock.goes(seconds=10)
    run_due(clock=clock)
    row.refresh_from_db()
    assert (row.failures, row.next_at) == (2, clock() + timedelta(seconds=20))
    clock.goes(seconds=50)
    run_due(clock=clock)
    assert len(others) == 2


def test_a_success_forgets_the_failures(clock: SetClock) -> None:
    fails = [True]

    @sweep("probe.healed", every_s=10)
    def healed(limit: int) -> int:
        if fails:
            raise Broken
        return 0

    run_due(clock=clock)
    fails.clear()
    clock.goes(seconds=10)
    run_due(clock=clock)
    row = Sweep.objects.get(name="probe.healed")
    assert (row.failures, row.last_error, row.fresh_at) == (0, "", clock())


@pytest.mark.parametrize(
    ("failures", "every_s", "expected"), [(1, 1, 1), (4, 1, 8), (1, 86400, 60), (3, 86400, 240), (50, 5, 3600)]
)
def test_back_off_doubles_up_to_an_hour(failures: int, every_s: int, expected: int) -> None:
    assert retry_after_s(failures, every_s) == expected


def test_a_clock_that_went_back_a_day_stops_nothing(clock: SetClock) -> None:
    calls = counted("probe.clock")
    run_due(clock=clock)
    clock.goes(days=-1)
    assert run_due(clock=clock) == 1
    assert run_due(clock=clock) == 0
    assert len(calls) == 2
    row = Sweep.objects.get(name="probe.clock")
    assert row.next_at == clock() + timedelta(seconds=60)


def test_a_schedule_made_before_the_clock_went_back_begins_at_once_and_still_backs_off(clock: SetClock) -> None:
    tries: list[int] = []

    @sweep("probe.made_ahead", every_s=60)
    def broken(limit: int) -> int:
        tries.append(limit)
        raise Broken

    statements.seed(declared().values(), now=clock())
    clock.goes(days=-1)
    assert run_due(clock=clock, for_s=2) == 1
    assert len(tries) == 1


def test_a_lease_from_before_the_clock_went_back_does_not_hold_for_a_day(clock: SetClock) -> None:
    calls = counted("probe.lease_ahead")
    take("probe.lease_ahead", clock())
    clock.goes(days=-1)
    assert run_due(clock=clock) == 1
    assert len(calls) == 1


def test_a_lease_of_a_machine_whose_clock_is_a_little_ahead_is_respected(clock: SetClock) -> None:
    calls = counted("probe.skew")
    take("probe.skew", clock())
    clock.goes(seconds=-30)
    assert run_due(clock=clock) == 0
    assert calls == []


def take(name: str, now: datetime) -> statements.Taken:
    statements.seed(declared().values(), now=now)
    taken = statements.take(name, lease=new_uuid(), lease_s=60, now=now)
    assert taken is not None
    return taken


def test_the_lease_of_a_dead_runner_expires(clock: SetClock) -> None:
    calls = counted("probe.dead")
    dead = take("probe.dead", clock())
    clock.goes(seconds=59)
    assert run_due(clock=clock) == 0
    clock.goes(seconds=1)
    assert run_due(clock=clock) == 1
    assert len(calls) == 1
    assert not statements.finish(dead, now=clock(), next_at=clock(), count=7)
    assert not statements.fail(dead, now=clock(), next_at=clock(), error="late")
    assert not statements.renew(dead, until=clock() + timedelta(hours=1))
    row = Sweep.objects.get(name="probe.dead")
    assert (row.last_count, row.last_error) == (0, "")


def test_switched_off_it_does_not_run_and_is_not_stale(clock: SetClock) -> None:
    calls = counted("probe.off")
    statements.seed(declared().values(), now=clock())
    Sweep.objects.filter(name="probe.off").update(enabled=False)
    clock.goes(days=1)
    assert run_due(clock=clock) == 0
    assert (calls, stale_sweeps(now=clock())) == ([], ())


def test_seeding_again_keeps_a_schedule_and_takes_a_new_interval(clock: SetClock) -> None:
    counted("probe.seeded", every_s=86400)
    run_due(clock=clock)
    Sweep.objects.filter(name="probe.seeded").update(failures=3)
    clock.goes(hours=1)
    statements.seed(declared().values(), now=clock())
    row = Sweep.objects.get(name="probe.seeded")
    assert (row.failures, row.next_at) == (3, clock() + timedelta(hours=23))
    declared_again = counted("probe.seeded", every_s=60)
    assert run_due(clock=clock) == 1
    row.refresh_from_db()
    assert (len(declared_again), row.every_s, row.next_at) == (1, 60, clock() + timedelta(seconds=60))


def test_a_schedule_whose_sweep_this_release_does_not_know_is_left_alone(clock: SetClock) -> None:
    counted("probe.known")
    Sweep.objects.create(name="probe.of_tomorrow", every_s=1, next_at=clock(), fresh_at=clock())
    clock.goes(days=1)
    assert run_due(clock=clock) == 1
    assert Sweep.objects.get(name="probe.of_tomorrow").last_started_at is None
    assert stale_sweeps(now=clock()) == ()


def test_stale_is_what_nobody_ended_well_for_two_intervals_and_five_minutes(clock: SetClock) -> None:
    counted("probe.stale", every_s=60)
    counted("probe.slow", every_s=86400)
    run_due(clock=clock)
    clock.goes(seconds=420)
    assert stale_sweeps(now=clock()) == ()
    clock.goes(seconds=1)
    assert stale_sweeps(now=clock()) == ("probe.stale",)
    run_due(clock=clock)
    assert stale_sweeps(now=clock()) == ()


def test_a_last_run_tells_its_age_and_its_rows(clock: SetClock) -> None:
    counted("probe.found", every_s=60)
    run_due(clock=clock)
    Sweep.objects.filter(name="probe.found").update(last_count=3)
    clock.goes(seconds=42)
    [run] = [each for each in last_runs(now=clock()) if each.name == "probe.found"]
    assert (run.age_s, run.count) == (42.0, 3)


def test_staleness_costs_one_query_and_one(clock: SetClock) -> None:
    for number in range(20):
        counted(f"probe.many_{number}")
    run_due(clock=clock)
    with CaptureQueriesContext(connection) as asked:
        stale_sweeps(now=clock())
    assert len(asked) == 1
    with CaptureQueriesContext(connection) as looked:
        assert run_due(clock=clock) == 0
    assert len(looked) == 1


@pytest.mark.parametrize("wrong", [{"every_s": 0}, {"every_s": 1, "batch": 0}, {"every_s": 1, "lease_s": 0}])
def test_a_sweep_without_sense_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        sweep("probe.wrong", **wrong)


def test_two_modules_cannot_share_a_name() -> None:
    counted("probe.twice")

    def elsewhere(limit: int) -> int:
        return 0

    elsewhere.__module__ = "stoa.apps.other.tasks"
    with pytest.raises(ValueError, match="two sweeps are called"):
        sweep("probe.twice", every_s=1)(elsewhere)
