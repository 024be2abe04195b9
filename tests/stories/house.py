"""A whole Stoa in processes of its own: web, worker, gateway, a database file and a Redis; each part can be killed."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import httpx

from stoa.platform.testing.servers import ROOT, free_port
from tests.gateway.harness import PrivateRedis, until

SECRET = "a-secret-of-the-stories-" * 3
COMMAND = "import sys; from stoa.project import cli; cli._go_home = lambda: None; sys.exit(cli.main(sys.argv[1:]))"


class Part:
    """One process as an operator starts it: `stoa web`, `stoa worker`, `stoa gateway`."""

    def __init__(self, house: "House", name: str, port: int) -> None:
        self.house, self.name, self.port = house, name, port
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = ["--port", str(self.port)] if self.port else []
        with (self.house.folder / f"{self.name}.out").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", COMMAND, self.name, *options],
                cwd=self.house.folder,
                env=self.house.environ,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        until(self.is_up, within_s=30)

    def is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.house.folder / f"{self.name}.out").read_text()[-3000:]
        if not self.port:
            return "worker started" in (self.house.folder / f"{self.name}.out").read_text()
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{self.port}/health/ready", timeout=2).status_code == 200
        return False

    def kill(self) -> None:
        """SIGKILL, to the whole group: no part of it says goodbye."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        (self.house.folder / f"{self.name}.out").write_text("")

    def kill_and_start(self) -> None:
        self.kill()
        self.start()


class House:
    def __init__(self, folder: Path, redis_url: str, **environ: str) -> None:
        self.folder = folder
        self.web, self.gateway = Part(self, "web", free_port()), Part(self, "gateway", free_port())
        self.worker = Part(self, "worker", 0)
        self.environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "ENVIRONMENT": "development",
            "DJANGO_SECRET_KEY": SECRET,
            "DATABASE_URL": f"sqlite:///{folder / 'stoa.sqlite3'}",
            "REALTIME_REDIS_URL": redis_url,
            "PORT": str(self.web.port),
            "GATEWAY_PORT": str(self.gateway.port),
            "LOG_DIR": str(folder / "logs"),
            "EMAIL_DIR": str(folder / "mail"),
            "EMAIL_BACKEND": "file",
            "EMAIL_TIMEOUT_S": "2",
            "OUTBOX_LEASE_S": "3",
            "DEMO_DATA": "true",
            "REGISTER_RATE": "1000/min",
            "SIGN_IN_RATE": "1000/min",
        } | environ

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.web.port}/api/v1"

    @property
    def socket(self) -> str:
        return f"ws://127.0.0.1:{self.gateway.port}/ws"

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def mails(self) -> dict[str, Message]:
        """By Message-ID: a mailbox drops a second copy. Oldest first."""
        files = sorted((self.folder / "mail").glob("*.eml"), key=lambda path: path.stat().st_mtime)
        return {str(mail["Message-ID"]): mail for mail in (message_from_bytes(path.read_bytes()) for path in files)}

    def mails_to(self, address: str) -> list[Message]:
        return [mail for mail in self.mails().values() if mail["To"] == address]

    def invites(self) -> list[Message]:
        return [mail for mail in self.mails().values() if str(mail["Subject"]).startswith("Join ")]

    def invites_to(self, address: str) -> list[Message]:
        return [mail for mail in self.invites() if mail["To"] == address]


def token_in(mail: Message) -> str:
    part = mail.get_payload(0) if mail.is_multipart() else mail
    assert isinstance(part, Message)
    found = re.search(r"[0-9a-f-]{36}\.[A-Za-z0-9_-]{43}", part.get_payload(decode=True).decode())
    assert found is not None
    return found[0]


def call(house: House, method: str, path: str, access: str = "", **body: object) -> tuple[Any, str]:
    """`data`, and the request's id. A web process that was killed is asked again, as a client would."""
    headers: Mapping[str, str] = {"Authorization": f"Bearer {access}"} if access else {}
    answer = httpx.request(method, f"{house.api}{path}", json=body or None, headers=headers, timeout=15)
    assert answer.is_success, answer.text
    return answer.json()["data"], answer.headers["X-Request-ID"]


@contextlib.contextmanager
def whole_house(folder: Path, **environ: str) -> Iterator[House]:
    redis = PrivateRedis()
    redis.start()
    house = House(folder, redis.url, **environ)
    parts = (house.web, house.worker, house.gateway)
    try:
        house.manage("migrate", "-v0")
        house.manage("seed_demo")
        for part in parts:
            part.start()
        yield house
    finally:
        for part in parts:
            if part.process is not None and part.process.poll() is None:
                part.kill()
        redis.end()
