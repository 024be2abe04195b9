"""Processes that are killed: no effect in the database lost or doubled, and the outside acts under one key."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.soak.world import World, at_named_points, at_random, points
from stoa.platform.testing.databases import on_postgres
from stoa.platform.testing.remote_pauses import RemotePause

KILLS = 20
"""In all; `make soak` kills 200."""


@pytest.fixture
def world(committed_db: None, tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.end()


def test_killed_at_each_point_nothing_is_lost_or_doubled(world: World) -> None:
    killed_at = at_named_points(world, points(celery=False))
    assert len(killed_at) == 7
    assert world.killed == 7 + 2
    if on_postgres():
        at_random(world, kills=KILLS - world.killed, seed=3)
        assert world.killed >= KILLS
        assert world.ended_backends > 0
    print(f"{world.killed} processes killed, {world.ended_backends} sessions ended, {len(world.causes())} causes")
    assert len(world.causes()) > 5
    assert world.faults() == []


@pytest.mark.skipif(on_postgres(), reason="it shows that the check sees a fault, which no database changes")
def test_done_marked_before_its_effect_is_caught(world: World) -> None:
    """The same check over a worker with that fault: it dies between the two, and the effect is missing."""
    publisher = world.start("publisher", events=5)
    assert publisher.wait(20) == 0
    doomed = world.start("planted", pauses=(RemotePause("outbox.before_commit", "kill"),))
    world.died_at_its_point(doomed, "planted")
    world.start("worker")
    world.wait_until_delivered()
    [fault] = world.faults()
    assert fault.startswith(("lost: ", "not sent: "))
