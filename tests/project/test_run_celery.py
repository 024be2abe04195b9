"""`celery -A stoa` with real brokers: a worker and beat start, and a task goes there and back."""

import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from stoa.platform.testing.servers import free_port
from tests.project.checkout import Checkout, wait_for

AMQP = "amqp://guest:guest@127.0.0.1:5672//"
ROUND_TRIP = """
import django
django.setup()
import stoa.project.celery
from stoa.platform.health.tasks import health_check
result = health_check.delay()
print(result.get(timeout=30))
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    made = Checkout(tmp_path / "a checkout")
    yield made
    made.end()


@pytest.fixture(scope="module")
def own_redis(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis of this module alone: on a shared one another worker could take the task."""
    program = shutil.which("redis-server")
    if program is None:
        _leave_out(request, "redis-server")
    port, folder = free_port(), tmp_path_factory.mktemp("redis")
    command = [str(program), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    wait_for(lambda: _listens(port))
    yield f"redis://127.0.0.1:{port}/0"
    process.kill()
    process.wait()


@pytest.fixture(params=["redis", "rabbitmq"])
def broker(request: pytest.FixtureRequest, own_redis: str) -> str:
    if request.param == "redis":
        return own_redis
    if not _listens(5672):
        _leave_out(request, "RabbitMQ on 127.0.0.1:5672")
    return AMQP


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _leave_out(request: pytest.FixtureRequest, what: str) -> None:
    if request.config.getoption("--require-services"):
        pytest.fail(f"needs {what}", pytrace=False)
    pytest.skip(f"needs {what}")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    made = Checkout(tmp_path_factory.mktemp("migrated") / "a checkout")
    done = made.call_python("manage.py", "migrate")
    assert done.returncode == 0, done.stderr
    return made.folder / "var/stoa.sqlite3"


@pytest.fixture
def migrated(checkout: Checkout, database: Path) -> Checkout:
    (checkout.folder / "var").mkdir()
    shutil.copy2(database, checkout.folder / "var/stoa.sqlite3")
    return checkout


def rows(checkout: Checkout, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(checkout.folder / "var/stoa.sqlite3", timeout=5)) as database:
        return database.execute(query).fetchall()


SWEPT = "SELECT count(*) FROM sweeps_sweep WHERE last_ended_at IS NOT NULL AND last_error = ''"


def test_tasks_go_to_a_worker_and_come_back_and_beat_sends_the_tick(migrated: Checkout, broker: str) -> None:
    services = {"CELERY_BROKER_URL": broker}
    worker = migrated.python("-m", "celery", "-A", "stoa", "worker", "-l", "info", "-c", "1", **services)
    beat = migrated.python("-m", "celery", "-A", "stoa", "beat", "-l", "info", **services)
    wait_for(lambda: " ready." in migrated.output() and "beat: Starting..." in migrated.output())
    done = migrated.call_python("-c", ROUND_TRIP, DJANGO_SETTINGS_MODULE="stoa.project.settings.main", **services)
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["ok"]), done.stderr
    log = (migrated.folder / "logs/celery.log").read_text()
    assert log.count("msg=Health check task started") == 1
    assert log.count("msg=Health check task succeeded") == 1
    wait_for(lambda: rows(migrated, SWEPT) == rows(migrated, "SELECT count(*) FROM sweeps_sweep") != [(0,)])
    assert rows(migrated, "SELECT role, slot FROM sweeps_heartbeat") == [("celery", 0)]
    assert rows(migrated, "SELECT status, result FROM django_celery_results_taskresult") == [("SUCCESS", '"ok"')]
    assert rows(migrated, "SELECT task FROM django_celery_beat_periodictask") == [("stoa.platform.sweeps.tasks.tick",)]
    for process in (worker, beat):
        process.terminate()
        assert process.wait(10) == 0
    assert rows(migrated, "SELECT role FROM sweeps_heartbeat") == []
    assert "guest:guest" not in log + migrated.output()


def test_make_celery_takes_redis_and_says_so_when_no_broker_is_named(checkout: Checkout, own_redis: str) -> None:
    worker = checkout.python("scripts/celery_worker.py", REDIS_URL=own_redis)
    wait_for(lambda: " ready." in checkout.output())
    assert checkout.output().splitlines()[0] == "stoa: CELERY_BROKER_URL is unset; using REDIS_URL"
    worker.terminate()
    assert worker.wait(10) == 0
    assert checkout.family() == []


def test_make_celery_names_the_remedy_when_nothing_answers(checkout: Checkout) -> None:
    port = free_port()
    done = checkout.call_python("scripts/celery_worker.py", REDIS_URL=f"redis://:hidden-word@127.0.0.1:{port}/0")
    assert done.returncode == 1
    assert done.stderr == f"stoa: nothing answers at 127.0.0.1:{port}; `make redis-up` starts a Redis\n"
    assert "hidden-word" not in done.stdout


def test_without_a_broker_a_task_runs_where_it_is_called(checkout: Checkout) -> None:
    done = checkout.call_python("-c", ROUND_TRIP, DJANGO_SETTINGS_MODULE="stoa.project.settings.main")
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["ok"]), done.stderr
    written = done.stdout + done.stderr
    assert "Health check task started" in written
    assert "Health check task succeeded" in written


def test_redis_up_starts_one_and_finds_it_the_second_time(checkout: Checkout, own_redis: str) -> None:
    port = str(free_port())
    try:
        first = checkout.call("sh", "scripts/redis_up.sh", REDIS_PORT=port)
        assert (first.returncode, first.stdout.split(" (")[0]) == (0, f"stoa: Redis is up: redis://localhost:{port}/0")
        second = checkout.call("sh", "scripts/redis_up.sh", REDIS_PORT=port)
        assert second.stdout == f"stoa: Redis answers already: redis://localhost:{port}/0\n"
    finally:
        checkout.call("redis-cli", "-p", port, "shutdown", "nosave")
