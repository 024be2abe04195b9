"""The same deliveries by the local worker, by Celery on Redis and by Celery on RabbitMQ, in real processes."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.soak.world import World, at_named_points
from stoa.platform.outbox.models import OutboxDelivery
from stoa.platform.testing.servers import free_port

pytestmark = pytest.mark.tasks

AMQP = ("127.0.0.1", 5672)
EVENTS = 40
# Over a broker several processes meet in one database: the one that is made for it.
LANES = ("local", *(pytest.param(name, marks=pytest.mark.postgres) for name in ("redis", "rabbitmq")))


class OwnRedis:
    """A Redis of one test, which can be away for a while."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen([*command, "--dir", str(self._folder)], stdout=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while not listens("127.0.0.1", self.port):
            assert time.monotonic() < until
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def listens(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def leave_out(request: pytest.FixtureRequest, what: str) -> None:
    if request.config.getoption("--require-services"):
        pytest.fail(f"needs {what}", pytrace=False)
    pytest.skip(f"needs {what}")


@pytest.fixture
def own_redis(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OwnRedis]:
    if shutil.which("redis-server") is None:
        leave_out(request, "redis-server")
    redis = OwnRedis(tmp_path)
    yield redis
    redis.stop()


@pytest.fixture
def world(committed_db: None, tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.end()


def broker_of(request: pytest.FixtureRequest, own_redis: OwnRedis, lane: str) -> str:
    if lane == "rabbitmq" and not listens(*AMQP):
        leave_out(request, "RabbitMQ on 127.0.0.1:5672")
    if lane == "redis":
        own_redis.start()
    return {"local": "", "redis": own_redis.url, "rabbitmq": "amqp://guest:guest@127.0.0.1:5672//"}[lane]


@pytest.mark.parametrize("lane", LANES)
def test_each_lane_delivers_everything_once(
    request: pytest.FixtureRequest, world: World, own_redis: OwnRedis, lane: str
) -> None:
    world.broker = broker_of(request, own_redis, lane)
    worker = world.start("relay" if world.broker else "worker")
    if world.broker:
        world.start("celery-pool")
    publisher = world.start("publisher", events=EVENTS)
    assert publisher.wait(20) == 0
    world.wait_until_delivered(40)
    assert worker.poll() is None
    assert world.faults() == []
    assert world.causes() == set(range(EVENTS))
    assert world.sent() == EVENTS
    # Counted once each, by whoever ran it and not by who carried it.
    mine = OutboxDelivery.objects.filter(event__key__startswith=f"{world.run}:")
    assert set(mine.values_list("state", "attempts", "lease")) == {("done", 1, None)}
    assert mine.count() == 3 * EVENTS
    assert "guest:guest" not in world.output()


@pytest.mark.postgres
def test_a_broker_that_is_away_costs_time_and_no_attempt(world: World, own_redis: OwnRedis) -> None:
    world.broker = own_redis.url
    world.start("relay")
    assert world.start("publisher", events=3).wait(20) == 0
    mine = OutboxDelivery.objects.filter(event__key__startswith=f"{world.run}:")
    until = time.monotonic() + 15
    while mine.count() < 9 or "no broker" not in world.output():
        assert time.monotonic() < until
        time.sleep(0.05)
    assert set(mine.values_list("state", "attempts")) == {("pending", 0)}
    own_redis.start()
    world.start("celery")
    world.wait_until_delivered(30)
    assert set(mine.values_list("state", "attempts")) == {("done", 1)}
    assert world.faults() == []


@pytest.mark.parametrize("lane", LANES[1:])
def test_kills_of_relay_and_celery_workers_lose_and_double_nothing(
    request: pytest.FixtureRequest, world: World, own_redis: OwnRedis, lane: str
) -> None:
    """Between the broker and the database, on either side; `make soak BROKER=...` goes to every point."""
    world.broker = broker_of(request, own_redis, lane)
    where = {"relay": ("outbox.handed_over",), "celery": ("outbox.taken_over",)}
    assert len(at_named_points(world, where)) == 2
    print(f"{world.killed} processes killed, {len(world.causes())} causes")
    assert world.killed == 2 + 3
    assert world.faults() == []
