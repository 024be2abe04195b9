"""A real Celery worker on the run's database and a Redis of its own."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from stoa.platform.testing.databases import url_of_test_database
from stoa.platform.testing.servers import ROOT, SETTINGS, free_port

TASKS = "tests.platform.observability.story_tasks"


@dataclass(frozen=True)
class Worker:
    folder: Path
    environ: dict[str, str]
    started: list["subprocess.Popen[bytes]"]

    def celery(self, *arguments: str) -> "subprocess.Popen[bytes]":
        return self.python("-m", "celery", "-A", "stoa", *arguments)

    def python(self, *arguments: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, *arguments]
        with (self.folder / "output").open("ab") as output:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.environ, stdout=output, stderr=output, start_new_session=True
            )
        self.started.append(process)
        return process

    def log(self, name: str = "celery.log") -> str:
        path = self.folder / "logs" / name
        return path.read_text() if path.exists() else ""

    def all_logs(self) -> str:
        return self.log("app.log") + self.log()

    def output(self) -> str:
        return (self.folder / "output").read_text(errors="replace")

    def wait_for(self, condition: Callable[[], bool], within_s: float = 60.0) -> None:
        until = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < until, f"not in time\n{self.output()[-3000:]}\n{self.log()[-3000:]}"
            time.sleep(0.05)


@contextmanager
def worker(folder: Path, *imported: str, **environ: str) -> Iterator[Worker]:
    """With two processes in its pool, which know the story's tasks and what is `imported` besides; ended with
    everything it started."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("needs redis-server")
    port = free_port()
    redis = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    known = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "ENVIRONMENT": "test",
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "DATABASE_URL": url_of_test_database(),
        "CELERY_BROKER_URL": f"redis://127.0.0.1:{port}/0",
        "LOG_DIR": str(folder / "logs"),
        "ENABLE_CONSOLE_LOGGING": "true",
        **environ,
    }
    made = Worker(folder, known, [])
    try:
        made.celery("worker", "-l", "info", "-c", "2", "-I", ",".join((TASKS, *imported)))
        made.wait_for(lambda: " ready." in made.log())
        yield made
    finally:
        for process in made.started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
        redis.kill()
        redis.wait()


def lines_of(log: str, request_id: str) -> list[str]:
    return [line for line in log.splitlines() if f"log_id={request_id} " in line]
