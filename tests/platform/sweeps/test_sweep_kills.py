"""A runner killed with SIGKILL in the middle: nobody waits longer than its lease, and no effect is lost or doubled."""

import subprocess
import sys
from datetime import timedelta

import pytest

from stoa.kit.clock import utc_now
from stoa.kit.ids import new_id, new_uuid
from stoa.platform.sweeps import statements
from stoa.platform.sweeps.models import Sweep
from stoa.platform.sweeps.running import run_due
from stoa.platform.testing.databases import url_of_test_database
from stoa.platform.testing.pausing import skipped_at
from stoa.platform.testing.servers import ROOT, SETTINGS
from tests.platform.sweeps.counting import BATCH, declare_counting
from tests.probe.models import Note

pytestmark = pytest.mark.usefixtures("own_sweeps", "committed_db")
ROWS = 12


def done(owner: str) -> list[int]:
    return sorted(Note.objects.filter(owner_id=owner).values_list("amount_minor", flat=True))


def killed_at(point: str, hit: int) -> tuple[str, str]:
    """The sweep's name and the owner of its rows, after a runner died there."""
    name, owner = f"probe.{new_id()}", new_id()
    Note.objects.bulk_create(Note(title=str(number), owner_id=owner) for number in range(ROWS))
    runner = subprocess.run(
        [sys.executable, "-m", "tests.platform.sweeps.kill_me", name, owner, point, str(hit)],
        cwd=ROOT,
        env={"ENVIRONMENT": "test", "DJANGO_SETTINGS_MODULE": SETTINGS, "DATABASE_URL": url_of_test_database()},
        capture_output=True,
        timeout=30,
        text=True,
    )
    assert runner.returncode == -9, runner.stderr
    declare_counting(name, owner)
    return name, owner


@pytest.mark.parametrize(
    ("point", "hit", "counted"),
    [("sweeps.taken", 1, 0), ("probe.before_commit", 2, BATCH), ("sweeps.before_finish", 1, ROWS)],
)
def test_another_goes_on_when_the_lease_is_over(point: str, hit: int, counted: int) -> None:
    name, owner = killed_at(point, hit)
    assert done(owner) == [0] * (ROWS - counted) + [1] * counted
    assert run_due() == 0
    assert done(owner) == [0] * (ROWS - counted) + [1] * counted
    later = utc_now() + timedelta(seconds=61)
    assert run_due(clock=lambda: later) == 1
    assert done(owner) == [1] * ROWS
    row = Sweep.objects.get(name=name)
    assert (row.lease, row.last_count, row.last_error) == (None, ROWS - counted, "")
    row.delete()


def test_without_the_lease_the_next_does_not_wait_for_it() -> None:
    """What the assertion `run_due() == 0` above is worth: the row stays due, and only the lease holds it."""
    name, owner = killed_at("sweeps.taken", 1)
    with skipped_at("sweeps.lease"):
        assert statements.take(name, lease=new_uuid(), lease_s=60, now=utc_now()) is not None
    assert done(owner) == [0] * ROWS
    Sweep.objects.filter(name=name).delete()
