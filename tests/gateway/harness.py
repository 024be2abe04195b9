"""A gateway in a process of its own, the platform's internal routes as a small real server, sockets, and a Redis."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import jwt
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

import stoa
from stoa.kit.clock import isoformat, utc_now
from stoa.kit.ids import new_id
from stoa.platform.testing.servers import free_port
from stoa.wire.server_frames import split

JWT_SECRET = "jwt-secret-of-the-gateway-tests-" * 2
INTERNAL = "internal-secret-of-the-gateway-tests"
ROOT = Path(stoa.__file__).parents[1]


def token(user: str, session: str, *, life_s: float = 600, secret: str = JWT_SECRET, **changes: object) -> str:
    now = utc_now()
    claims = {"iss": "stoa", "aud": "stoa-api", "sub": user, "sid": session, "jti": new_id(), "iat": now}
    claims |= {"exp": (now + timedelta(seconds=life_s)).timestamp(), "typ": "access"} | changes
    return jwt.encode(claims, secret, algorithm="HS256", headers={"kid": "main"})


def ticket(user: str, session: str, *, life_s: float = 30, ends: datetime | None = None) -> str:
    ends = ends or utc_now() + timedelta(minutes=10)
    return token(user, session, life_s=life_s, aud="stoa-gateway", typ="ticket", ends=int(ends.timestamp()))


class Platform:
    """Allows what is in `allowed` as (user, channel); `revoked` holds session ids. Notes what it was asked."""

    def __init__(self) -> None:
        self.allowed: set[tuple[str, str]] = set()
        self.revoked: set[str] = set()
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.is_broken = False
        self.answer_s = 0.0
        """How long it thinks about an answer."""
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                trusted = self.headers["authorization"] == f"Bearer {INTERNAL}"
                status, answer = platform.answer(self.path, asked) if trusted else (401, {})
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, path: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.asked.append((path, asked))
        time.sleep(self.answer_s)
        if self.is_broken:
            return 500, {}
        sessions = asked["sessions"]
        ended = [
            {"user_id": each["user_id"], "channel": channel}
            for each in sessions
            for channel in each["channels"]
            if (each["user_id"], channel) not in self.allowed
        ]
        return 200, {
            "revoked": [each["session_id"] for each in sessions if each["session_id"] in self.revoked],
            "ended": ended,
        }

    def count(self, ending: str) -> int:
        return sum(path.endswith(ending) for path, _ in self.asked)

    def asked_for(self, channel: str) -> int:
        """How often it was asked who may hear this."""
        return sum(channel in each["channels"] for _, asked in self.asked for each in asked["sessions"])

    def end(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Gateway:
    """`start`, `kill`, `stop` and `start` again on the same port."""

    def __init__(self, folder: Path, platform: Platform | int, **environ: str) -> None:
        """`platform`, or the port of one."""
        self.folder, self.port = folder, free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.open_files = 0
        """The hard limit to start under; 0 for that of the machine."""
        self.environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "JWT_SECRET": JWT_SECRET,
            "INTERNAL_SECRET": INTERNAL,
            "PLATFORM_URL": f"http://127.0.0.1:{platform if isinstance(platform, int) else platform.port}",
            "GATEWAY_DRAIN_S": "0.3",
            "GATEWAY_CONNECTIONS_PER_ADDRESS": "5000",
        } | environ

    def start(self) -> None:
        command = "import os, sys; from stoa.project import cli; os.chdir(sys.argv[1]); cli._go_home = lambda: None; "
        command += "sys.exit(cli.main(['gateway', '--port', sys.argv[2]]))"
        limited = ["sh", "-c", f'ulimit -n {self.open_files}; exec "$@"', "sh"] if self.open_files else []
        with (self.folder / "output").open("ab") as output:
            self.process = subprocess.Popen(
                [*limited, sys.executable, "-c", command, str(self.folder), str(self.port)],
                env=self.environ,
                cwd=self.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        until(lambda: self.process is not None and (self.process.poll() is not None or self.health() is not None))
        assert self.process.poll() is None, self.output()

    def health(self) -> dict[str, Any] | None:
        try:
            return dict(httpx.get(f"http://127.0.0.1:{self.port}/health/ready", timeout=2).json())
        except (httpx.TransportError, ValueError):
            return None

    def output(self) -> str:
        return (self.folder / "output").read_text()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    def post(self, path: str, body: object, *, secret: str = INTERNAL) -> httpx.Response:
        url = f"http://127.0.0.1:{self.port}{path}"
        return httpx.post(url, json=body, headers={"authorization": f"Bearer {secret}"}, timeout=5)

    def publish(self, channel: str, *numbers: int, ephemeral: bool = False, size: int = 0) -> None:
        body = [publication(channel, number, ephemeral=ephemeral, size=size) for number in numbers]
        assert self.post("/internal/publish", {"publications": body}).status_code == 200


def publication(channel: str, number: int, *, ephemeral: bool = False, size: int = 0) -> dict[str, Any]:
    return {
        "channel": channel,
        "id": new_id(),
        "type": "typing" if ephemeral else "notification",
        "at": isoformat(utc_now()),
        "request_id": f"request-{number}",
        "data": {"number": number, "padding": "x" * size},
        "ephemeral": ephemeral,
    }


class Client:
    """One socket, and the state that a client keeps over many: the last position and the numbers it saw."""

    def __init__(self, url: str, user: str | None = None, session: str | None = None) -> None:
        self.url, self.user, self.session = url, user or new_id(), session or new_id()
        self.own = f"user:{self.user}"
        self.socket: ClientConnection | None = None
        self.frames: list[dict[str, Any]] = []

    @contextlib.asynccontextmanager
    async def signed_in(self, **options: Any) -> AsyncIterator["Client"]:
        async with self.open(**options):
            await self.say(op="auth", token=token(self.user, self.session))
            await self.until("ready")
            await self.until("subscribed", channel=self.own)
            yield self

    @contextlib.asynccontextmanager
    async def open(self, **options: Any) -> AsyncIterator["Client"]:
        options = {"compression": None, "proxy": None, "open_timeout": 15, "max_size": None} | options
        async with connect(self.url, **options) as socket:
            self.socket = socket
            yield self

    async def say(self, **frame: object) -> None:
        await self.say_text(json.dumps(frame))

    async def say_text(self, text: str | bytes) -> None:
        assert self.socket is not None
        await self.socket.send(text)

    async def next(self, within_s: float = 5) -> dict[str, Any]:
        assert self.socket is not None
        async with asyncio.timeout(within_s):
            while not self.frames:
                self.frames = split(str(await self.socket.recv()))
        return self.frames.pop(0)

    async def until(self, op: str, within_s: float = 5, **fields: object) -> dict[str, Any]:
        """The next frame with that op and these fields; those before it are dropped."""
        async with asyncio.timeout(within_s):
            while True:
                frame = await self.next(within_s)
                if frame["op"] == op and all(frame.get(name) == value for name, value in fields.items()):
                    return frame

    async def numbers(self, count: int, within_s: float = 10) -> list[int]:
        return [int((await self.until("event", within_s))["data"]["number"]) for _ in range(count)]

    async def closed(self, within_s: float = 5) -> tuple[int, str]:
        assert self.socket is not None
        async with asyncio.timeout(within_s):
            try:
                while True:
                    await self.socket.recv()
            except ConnectionClosed as ended:
                return (ended.rcvd.code, ended.rcvd.reason) if ended.rcvd else (1006, "")

    async def silent(self, for_s: float = 0.3) -> None:
        """Nothing comes."""
        with contextlib.suppress(TimeoutError):
            frame = await self.next(for_s)
            raise AssertionError(f"came: {frame}")


class PrivateRedis:
    """A Redis that only one test knows and may stop."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/1"

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen([*command, "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL)
        import redis

        with contextlib.closing(redis.Redis(port=self.port)) as client:
            until(lambda: _pings(client))

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def _pings(client: Any) -> bool:
    import redis

    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def until(condition: Any, *, within_s: float = 20.0) -> None:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within_s, "did not happen in time"
        time.sleep(0.03)


@contextlib.contextmanager
def gateway_in(folder: Path, platform: Platform, **environ: str) -> Iterator[Gateway]:
    made = Gateway(folder, platform, **environ)
    try:
        made.start()
        yield made
    finally:
        made.end()
