"""Real servers: what they inherit, how they end, and pause points inside them."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from stoa.platform.testing.remote_pauses import RemotePause
from stoa.platform.testing.servers import Server, ServerDied, free_port, served

APPLICATION = """
import os
from stoa.runtime.pause_points import pause_point

def application(environ, start_response):
    path = environ["PATH_INFO"]
    body = b"ok"
    if path == "/environment":
        body = ",".join(sorted(os.environ)).encode()
    elif path == "/pid":
        body = str(os.getpid()).encode()
    elif path == "/pause":
        body = str(pause_point("sample.before_answer")).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sample_app.py").write_text(APPLICATION)
    return tmp_path


def start(folder: Path, *pauses: RemotePause, **environ: str) -> "Iterator[Server]":
    return served(folder=folder, environ=environ, pauses=pauses, application="sample_app:application")


def test_a_server_answers_on_its_own_port_and_is_gone_afterwards(folder: Path) -> None:
    with start(folder) as server:
        with server.client() as client:
            assert client.get("/health").text == "ok"
            worker = int(client.get("/pid").text)
        assert worker != server.process.pid
        group = os.getpgid(worker)
        assert group == server.process.pid
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.base_url)
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_a_server_inherits_nothing_from_the_process_that_runs_the_tests(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@nowhere/production")
    with start(folder, THROTTLE_ANON_RATE="5/min") as server, server.client() as client:
        names = set(client.get("/environment").text.split(","))
    assert {"ENVIRONMENT", "DJANGO_SETTINGS_MODULE", "THROTTLE_ANON_RATE"} <= names
    assert "DATABASE_URL" not in names
    assert "PATH" not in names


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "sample_app.py").write_text("raise RuntimeError('no such luck')")
    with pytest.raises(ServerDied, match="no such luck"), start(tmp_path):
        pass


def test_a_server_is_stopped_politely(folder: Path) -> None:
    with start(folder) as server:
        assert server.stop() == 0
        assert "no such" not in server.output()


def test_a_killed_request_dies_with_its_process(folder: Path) -> None:
    with start(folder, RemotePause("sample.before_answer", "kill", hit=2)) as server, server.client() as client:
        assert client.get("/pause").text == "False"
        with pytest.raises(httpx.TransportError):
            client.get("/pause")
        server.pause("sample.before_answer").wait_until_reached()
        server.process.wait(10)
        assert "SIGKILL" in server.output() or server.process.returncode != 0


def test_a_held_request_answers_only_when_released(folder: Path) -> None:
    with start(folder, RemotePause("sample.before_answer", "hold")) as server:
        started = time.monotonic()
        with server.client(timeout_s=0.3) as impatient, pytest.raises(httpx.ReadTimeout):
            impatient.get("/pause")
        hold = server.pause("sample.before_answer")
        hold.wait_until_reached()
        with server.client() as client:
            assert client.get("/pause").text == "False", "only the first arrival is held"
        hold.release()
        assert time.monotonic() - started < 5


def test_a_skipped_step_is_left_out_in_the_served_process(folder: Path) -> None:
    with start(folder, RemotePause("sample.before_answer", "skip", hit=0)) as server, server.client() as client:
        assert client.get("/pause").text == "True"


def test_a_fault_in_a_served_process_is_one_request_long(folder: Path) -> None:
    with start(folder, RemotePause("sample.before_answer", "fault")) as server, server.client() as client:
        assert client.get("/pause").status_code == 500
        assert client.get("/pause").text == "False"
        assert "RemoteFault: sample.before_answer" in server.output()


def test_killing_ends_the_workers_too(folder: Path) -> None:
    with start(folder) as server:
        with server.client() as client:
            worker = int(client.get("/pid").text)
        assert server.kill() == -signal.SIGKILL
        deadline = time.monotonic() + 5
        while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)


def test_two_free_ports_differ() -> None:
    assert free_port() != free_port()
