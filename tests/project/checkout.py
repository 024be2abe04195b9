"""A copy of the working tree to start servers in: its own `.env`, database and logs, never this folder's."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx

import stoa
from stoa.platform.testing.servers import free_port

ROOT = Path(stoa.__file__).parents[1]
FILES = ("manage.py", "run.py", "gunicorn.conf.py", ".env.example", "pyproject.toml", "uv.lock", "README.md", "LICENSE")
FOLDERS = ("stoa", "scripts")
_WITHOUT_POWERS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")


class Checkout:
    """Nothing of this process's environment is inherited but PATH. `run` is ended by `end`, with its family."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.gateway_port = free_port(), free_port()
        self.started: list[subprocess.Popen[bytes]] = []
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            if (ROOT / name).exists():
                shutil.copy2(ROOT / name, folder / name)
        for name in FOLDERS:
            shutil.copytree(ROOT / name, folder / name)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environ(self, **more: str) -> dict[str, str]:
        return (
            {"PATH": os.environ["PATH"], "HOME": str(self.folder), "PORT": str(self.port)}
            | {"GATEWAY_PORT": str(self.gateway_port)}
            | more
        )

    def start(self, *command: str, **environ: str) -> "subprocess.Popen[bytes]":
        """In a session of its own, as a terminal would; what it writes is in `output()`."""
        with (self.folder / "output").open("ab") as output:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environ(**environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def python(self, *arguments: str, **environ: str) -> "subprocess.Popen[bytes]":
        return self.start(sys.executable, *arguments, **environ)

    def call(self, *command: str, timeout_s: float = 60, **environ: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environ(**environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )

    def call_python(self, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        return self.call(sys.executable, *arguments, **environ)

    def unprivileged(self, *command: str) -> Sequence[str]:
        """root writes to what it may not; without its powers it is anybody."""
        return (*_WITHOUT_POWERS, *command) if os.geteuid() == 0 else command

    def output(self) -> str:
        return (self.folder / "output").read_text()

    def answers(self, path: str = "/health") -> bool:
        try:
            return httpx.get(f"{self.base}{path}", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def family(self) -> list[str]:
        """The command lines of every living process whose working folder is this one."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and (entry / "cwd").resolve() == self.folder.resolve():
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                    found += [f"{entry.name} {line}"] if line else []
        return sorted(found)

    def pids(self, word: str) -> list[int]:
        """Of the living processes with the word in their command line, oldest first."""
        return sorted(int(line.split()[0]) for line in self.family() if word in line)

    def end(self) -> None:
        for line in self.family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(line.split()[0]), signal.SIGKILL)
        for process in self.started:
            process.wait()


def wait_for(condition: Callable[[], bool], *, within_s: float = 20.0) -> float:
    """The seconds it took. Fails when it takes longer."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within_s, "did not happen in time"
        time.sleep(0.05)
    return time.monotonic() - began
