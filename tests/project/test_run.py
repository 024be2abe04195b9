"""`stoa run` from an empty folder: what it makes, how it stops, what it refuses. Real processes throughout."""

import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from stoa.project.dotenv_file import SECRETS, development_values, render, write_once
from tests.project.checkout import Checkout, wait_for

PYTHON = sys.executable


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    made = Checkout(tmp_path / "a checkout")
    yield made
    made.end()


@pytest.fixture
def running(checkout: Checkout) -> "tuple[Checkout, subprocess.Popen[bytes]]":
    process = checkout.python("run.py")
    wait_for(lambda: "Stoa is up." in checkout.output())
    return checkout, process


Running = tuple[Checkout, "subprocess.Popen[bytes]"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A first start that several tests look at; what they kill is started again, the supervisor stays."""
    made = Checkout(tmp_path_factory.mktemp("stoa") / "a checkout")
    made.python("run.py")
    wait_for(lambda: "Stoa is up." in made.output())
    yield made
    made.end()


def test_first_start_makes_everything_and_says_where_it_is(shared: Checkout) -> None:
    assert stat.S_IMODE((shared.folder / ".env").stat().st_mode) == 0o600
    assert (shared.folder / "var/stoa.sqlite3").exists()
    lines = shared.output().splitlines()
    assert lines[:2] == [
        "stoa: wrote .env with fresh secrets and development limits",
        "stoa: bringing the database up to date",
    ]
    welcome = lines[lines.index("stoa: Stoa is up.") :]
    assert welcome[1:6] == [
        f"  start here   {shared.base}/",
        f"  API docs     {shared.base}/api/docs/",
        f"  admin        {shared.base}/admin/",
        "  worker       runs beside it: deliveries and sweeps",
        f"  realtime     ws://127.0.0.1:{shared.gateway_port}/ws",
    ]
    assert len(shared.pids("stoa.project.cli worker")) == 1
    assert any("admin@demo.stoa.test" in line for line in welcome)
    assert "  Ctrl-C stops everything." in welcome
    for path in ("/health", "/health/ready", "/", "/api/docs/", "/admin/login/"):
        assert httpx.get(shared.base + path, timeout=5).status_code == 200, path


def _people(checkout: Checkout) -> int:
    with closing(sqlite3.connect(checkout.folder / "var/stoa.sqlite3")) as database:
        (count,) = database.execute("SELECT count(*) FROM accounts_user").fetchone()
    return int(count)


def test_second_start_keeps_the_file_and_seeds_nothing_twice(running: Running) -> None:
    checkout, process = running
    before, people = (checkout.folder / ".env").read_text(), _people(checkout)
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0
    assert checkout.family() == []
    (checkout.folder / "output").write_text("")
    checkout.python("run.py")
    wait_for(lambda: "Stoa is up." in checkout.output())
    assert (checkout.folder / ".env").read_text() == before
    assert "wrote .env" not in checkout.output()
    assert _people(checkout) == people > 0
    assert "admin@demo.stoa.test" in checkout.output()


def test_ctrl_c_stops_all_within_five_seconds(running: Running) -> None:
    checkout, process = running
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(5) == 0
    assert time.monotonic() - began < 5
    assert checkout.family() == []
    assert "Traceback" not in checkout.output()
    assert "Unexpected exit" not in checkout.output()


def test_hung_request_does_not_hold_up_the_stop(running: Running) -> None:
    checkout, process = running
    with socket.create_connection(("127.0.0.1", checkout.port)) as hung:
        hung.sendall(
            b"POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
        time.sleep(0.3)
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(6) == 0
        assert time.monotonic() - began < 5
    assert checkout.family() == []


def test_dead_worker_process_is_replaced(shared: Checkout) -> None:
    worker = shared.pids("stoa.project.cli web")[-1]
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: worker not in shared.pids("web") and shared.answers())
    assert "web ended" not in shared.output()


def test_dead_server_is_started_again(shared: Checkout) -> None:
    server = shared.pids("stoa.project.cli web")[0]
    os.kill(server, signal.SIGKILL)
    wait_for(lambda: "stoa: web ended (signal SIGKILL); starting it again in 0.5 s" in shared.output())
    wait_for(shared.answers)
    assert server not in shared.pids("stoa.project.cli web")


def test_dead_background_worker_is_started_again(shared: Checkout) -> None:
    (worker,) = shared.pids("stoa.project.cli worker")
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: "stoa: worker ended (signal SIGKILL); starting it again in 0.5 s" in shared.output())
    wait_for(lambda: shared.pids("stoa.project.cli worker") not in ([], [worker]))


def test_dead_gateway_is_started_again(shared: Checkout) -> None:
    (gateway,) = shared.pids("stoa.project.cli gateway")
    os.kill(gateway, signal.SIGKILL)
    wait_for(lambda: "stoa: gateway ended (signal SIGKILL); starting it again in 0.5 s" in shared.output())
    wait_for(lambda: shared.pids("stoa.project.cli gateway") not in ([], [gateway]))


def test_taken_gateway_port_is_one_line(checkout: Checkout) -> None:
    with socket.create_server(("127.0.0.1", checkout.gateway_port)):
        done = checkout.call_python("run.py")
    assert done.returncode == 1
    assert done.stderr == (
        f"stoa: port {checkout.gateway_port} on 127.0.0.1 is taken; stop what listens there or choose another with "
        "GATEWAY_PORT\n"
    )


def test_nothing_outlives_a_killed_supervisor(running: Running) -> None:
    checkout, process = running
    process.kill()
    wait_for(lambda: checkout.family() == [], within_s=6)


def test_interrupted_before_it_serves_is_a_quiet_stop(checkout: Checkout) -> None:
    process = checkout.python("run.py")
    wait_for(lambda: "bringing the database" in checkout.output())
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(5) == 0
    assert checkout.family() == []
    assert "Traceback" not in checkout.output()


def test_taken_port_is_one_line_before_anything_is_migrated(checkout: Checkout) -> None:
    with socket.create_server(("127.0.0.1", checkout.port)):
        done = checkout.call_python("run.py")
    assert done.returncode == 1
    assert done.stderr == (
        f"stoa: port {checkout.port} on 127.0.0.1 is taken; stop what listens there or choose another with PORT\n"
    )
    assert not (checkout.folder / "var/stoa.sqlite3").exists()


def test_address_of_another_machine_is_one_line(checkout: Checkout) -> None:
    done = checkout.call_python("run.py", BIND_HOST="192.0.2.1")
    assert done.returncode == 1
    assert done.stderr == (
        f"stoa: cannot listen on 192.0.2.1:{checkout.port} (Cannot assign requested address); see BIND_HOST and PORT\n"
    )


def test_read_only_folder_is_one_line(checkout: Checkout) -> None:
    checkout.folder.chmod(0o555)
    try:
        done = checkout.call(*checkout.unprivileged(PYTHON, "run.py"))
    finally:
        checkout.folder.chmod(0o755)
    assert done.returncode == 1
    assert (done.stdout, done.stderr) == ("", f"stoa: cannot write to {checkout.folder} (Permission denied)\n")


def test_read_only_database_is_one_line(checkout: Checkout) -> None:
    (checkout.folder / "var").mkdir()
    database = checkout.folder / "var/stoa.sqlite3"
    database.touch(mode=0o444)
    done = checkout.call(*checkout.unprivileged(PYTHON, "run.py"))
    assert done.returncode == 1
    assert done.stderr == f"stoa: {database} cannot be written to; it is the database\n"


def test_database_that_does_not_answer_is_one_line(checkout: Checkout) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    done = checkout.call_python("run.py", DATABASE_URL=f"postgresql://stoa:hidden-word@127.0.0.1:{port}/test_stoa_none")
    assert done.returncode == 1
    told = [line for line in done.stderr.splitlines() if not line.startswith("{")]  # beside log lines
    (line,) = told
    assert line.startswith("stoa: the database refused: ")
    assert "hidden-word" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("run.py",),
        ("manage.py", "check"),
        ("manage.py", "runserver", "--noreload"),
        ("-m", "stoa.project.cli", "run"),
        ("-m", "stoa.project.cli", "web"),
        ("-m", "stoa.project.cli", "worker"),
        ("-m", "stoa.project.cli", "gateway"),
        ("-m", "stoa.project.cli", "drain"),
        ("-m", "celery", "-A", "stoa", "worker"),
        ("-m", "gunicorn", "stoa.project.wsgi:application"),
        ("scripts/celery_worker.py",),
    ],
    ids=" ".join,
)
def test_wrong_values_are_told_all_at_once_by_every_entry_point(checkout: Checkout, command: tuple[str, ...]) -> None:
    (checkout.folder / ".env").write_text("WEB_WORKERS=none\nDEMO_DATA=perhaps\nDJANGO_SECRET_KEY=a-secret-word\n")
    done = checkout.call_python(*command)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert lines[0] == "configuration: 2 faults"
    assert sorted(line.split(":")[0].strip() for line in lines[1:]) == ["DEMO_DATA", "WEB_WORKERS"]
    assert "a-secret-word" not in done.stdout + done.stderr


def test_secrets_differ_from_one_start_to_the_next(tmp_path: Path) -> None:
    first, second = development_values(), development_values()
    assert all(len(first[name]) >= 48 and first[name] != second[name] for name in SECRETS)


def test_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert write_once(path) is True
    before = path.read_text()
    assert write_once(path) is False
    assert path.read_text() == before
    assert [each.name for each in tmp_path.iterdir()] == [".env"]


def test_name_the_registry_does_not_know_is_refused() -> None:
    with pytest.raises(KeyError, match="NO_SUCH_SETTING"):
        render({"NO_SUCH_SETTING": "1"})
