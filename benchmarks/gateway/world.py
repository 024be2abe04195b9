"""A gateway on a core of its own with its Redis and a platform that allows everything; and whoever speaks."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import redis

from stoa.kit.clock import isoformat, utc_now
from stoa.kit.ids import new_id, new_uuid
from stoa.platform.testing.servers import ROOT, free_port
from stoa.wire.bus import (
    HISTORY_EVENTS,
    HISTORY_S,
    LIVE,
    META_S,
    PUBLISH_SCRIPT,
    Publication,
    body_of,
    meta_key,
    seen_key,
    stream_key,
)
from tests.gateway.harness import Gateway, PrivateRedis

SERVED, LOAD = 0, 1
"""Cores: the server has the first alone; the load, Redis and whoever speaks share the second."""


class World:
    def __init__(self, gateway: Gateway, server: PrivateRedis) -> None:
        self.gateway, self.redis = gateway, server

    def start(self) -> None:
        self.gateway.start()
        pin(self.gateway.process)


@contextlib.contextmanager
def world(**environ: str) -> Iterator[World]:
    os.sched_setaffinity(0, {LOAD})
    server = PrivateRedis()
    server.start()
    with tempfile.TemporaryDirectory() as folder, beside("benchmarks.gateway.allow") as (port, _):
        roomy = {"GATEWAY_ACCEPTS_PER_S": "100000", "GATEWAY_CONNECTIONS_PER_ADDRESS": "100000", "LOG_LEVEL": "WARNING"}
        gateway = Gateway(Path(folder), port, REALTIME_REDIS_URL=server.url, **(roomy | environ))
        made = World(gateway, server)
        try:
            made.start()
            yield made
        finally:
            gateway.end()
            server.end()


@contextlib.contextmanager
def peer(module: str, **environ: str) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """A peer's port and process, pinned as ours is."""
    with beside(module, **environ) as (port, process):
        pin(process)
        yield port, process


@contextlib.contextmanager
def beside(module: str, **environ: str) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """A module that serves HTTP on the port it is given: port and process."""
    port = free_port()
    known = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ}
    process = subprocess.Popen([sys.executable, "-m", module, str(port)], env=known, cwd=ROOT)
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=1)
                break
            time.sleep(0.05)
        yield port, process
    finally:
        process.kill()
        process.wait()


def pin(process: "subprocess.Popen[bytes] | None") -> None:
    assert process is not None
    os.sched_setaffinity(process.pid, {SERVED})


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_kb(pid: int) -> int:
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1])


class Speaker:
    """Publishes as the platform's bus client does, and keeps trying while Redis is away."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)
        self._script = self._client.register_script(PUBLISH_SCRIPT)

    def say(self, channel: str, number: int, padding: int = 60) -> None:
        data = {"n": number, "t": time.monotonic_ns(), "padding": "x" * padding}
        event_id = new_uuid()
        body = body_of(
            Publication(
                channel=channel, id=event_id, type="notification", at=isoformat(utc_now()), request_id="", data=data
            )
        )
        keys = [meta_key(channel), stream_key(channel), seen_key(channel, event_id), f"{LIVE}{channel}"]
        while True:
            try:
                self._script(keys=keys, args=[body, new_id()[:16], HISTORY_EVENTS, HISTORY_S, META_S])
                return
            except redis.RedisError:
                time.sleep(0.05)

    def command(self, command: object) -> None:
        self._client.publish("stoa:rt:control", orjson.dumps(command))


def speak(url: str, channel: str, rate: float, seconds: float, padding: int = 60) -> None:
    """In a process of its own: `rate` events a second."""
    speaker, began = Speaker(url), time.monotonic()
    for number in range(int(rate * seconds)):
        wait = began + number / rate - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        speaker.say(channel, number, padding)
