"""A real Granian server in processes of its own, for what only sockets, several processes or a kill can show."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
from pydantic import TypeAdapter

import stoa
from stoa.platform.testing.answers import note_response
from stoa.platform.testing.remote_pauses import PLAN_FILE, RemotePause, ServedPlan

APPLICATION = "stoa.project.wsgi:application"
SETTINGS = "stoa.project.settings.testing"
OPTIONS = ("--workers", "1", "--blocking-threads", "32", "--backpressure", "4096")
"""What `stoa web` gives one process by default: threads for the admitted, the queued and the probes."""
ROOT = Path(stoa.__file__).parents[1]


class ServerDied(Exception):
    """The server ended, or did not answer in time; carries the end of what it wrote."""


@dataclass(frozen=True)
class Server:
    """`folder` is its working folder: no `.env` there, so that a served process never reads one."""

    port: int
    folder: Path
    pauses: tuple[RemotePause, ...]
    process: subprocess.Popen[bytes]

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, *, timeout_s: float = 10.0, headers: Mapping[str, str] | None = None) -> httpx.Client:
        hooks = {"response": [note_response]}
        return httpx.Client(base_url=self.base_url, timeout=timeout_s, headers=headers, event_hooks=hooks)

    def pause(self, point: str) -> RemotePause:
        """The armed pause of that name, to wait for and to release. Raises KeyError."""
        return {pause.point: pause for pause in self.pauses}[point]

    def output(self) -> str:
        """Everything the processes wrote so far, standard error included."""
        return (self.folder / "output.log").read_text(errors="replace")

    def stop(self, timeout_s: float = 10.0) -> int:
        """SIGTERM as an operator would, then the exit status; SIGKILL to the whole group when it takes longer."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return self.kill()
        finally:
            self._end_group()

    def kill(self) -> int:
        """SIGKILL to the server and all its workers."""
        self._end_group()
        return self.process.wait(10)

    def _end_group(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


@contextmanager
def served(
    *,
    folder: Path,
    environ: Mapping[str, str],
    pauses: Sequence[RemotePause] = (),
    application: str = APPLICATION,
    options: Sequence[str] = OPTIONS,
    ready_path: str = "/health",
    ready_within_s: float = 20.0,
) -> Iterator[Server]:
    """Serve `application` on a free port of 127.0.0.1 and stop it at the end, whatever happened.

    The child's whole environment is `environ` (names of the configuration registry) with ENVIRONMENT=test and the
    test settings: nothing is inherited from this process. `folder` must be empty or made for this server;
    `options` are Granian's. Raises ServerDied."""
    port = free_port()
    placed = tuple(replace(pause, folder=str(folder)) for pause in pauses)
    plan = ServedPlan(application, list(placed))
    (folder / PLAN_FILE).write_bytes(TypeAdapter(ServedPlan).dump_json(plan))
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    command += [*options, "stoa.platform.testing.served:application"]
    child_environ = {"ENVIRONMENT": "test", "DJANGO_SETTINGS_MODULE": SETTINGS, "PYTHONPATH": str(ROOT), **environ}
    with (folder / "output.log").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=child_environ, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    server = Server(port, folder, placed, process)
    try:
        _wait_until_ready(server, ready_path, ready_within_s)
        yield server
    finally:
        server.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(server: Server, path: str, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise ServerDied(f"exit status {server.process.returncode}\n{server.output()[-4000:]}")
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{server.base_url}{path}", timeout=1.0).status_code == 200:
                return
        time.sleep(0.05)
    raise ServerDied(f"no 200 on {path} within {within_s:g} s\n{server.output()[-4000:]}")
