"""Sentry and OpenTelemetry: nothing at all while off, masked and real while on."""

import gzip
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

import stoa
from stoa.platform.testing.fixtures import Serve
from stoa.runtime.config.errors import ConfigurationError
from stoa.runtime.config.loader import load
from stoa.runtime.telemetry import masked_event

ROOT = Path(next(iter(stoa.__path__))).parent
TRACE = "0af7651916cd43dd8448eb211c80319c"


@contextmanager
def collector() -> Iterator[tuple[int, list[tuple[str, bytes]]]]:
    """An HTTP server that keeps (path, body) of every POST, unpacked."""
    kept: list[tuple[str, bytes]] = []

    class Keep(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.append((self.path, gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keep)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1], kept
    finally:
        server.shutdown()
        server.server_close()


def until(kept: list[tuple[str, bytes]], wanted: bytes, seconds: float = 10.0) -> bytes:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        everything = b"".join(body for _, body in kept)
        if wanted in everything:
            return everything
        time.sleep(0.05)
    raise AssertionError(f"nothing with {wanted!r} arrived in {seconds:g} s")


def test_off_neither_is_imported() -> None:
    """redis-py imports the API of OpenTelemetry and its metrics where they are installed; what we would use, nobody."""
    ours = ("sentry_sdk", "opentelemetry.exporter", "opentelemetry.sdk.trace", "stoa.platform.metrics.spans")
    code = (
        "import django, sys; django.setup(); import stoa.project.wsgi; "
        f"print(sorted(name for name in sys.modules if name.startswith({ours!r})))"
    )
    environ = {"DJANGO_SETTINGS_MODULE": "stoa.project.settings.testing", "PYTHONPATH": str(ROOT)}
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ)
    assert told.stdout == "[]\n"


@pytest.mark.parametrize(
    ("name", "value", "module", "extra"),
    [
        ("SENTRY_DSN", "https://key@sentry.example.org/1", "sentry_sdk", "sentry"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318", "opentelemetry.sdk", "otel"),
    ],
)
def test_a_missing_extra_is_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, module: str, extra: str
) -> None:
    load(environ={name: value}, dotenv=None)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigurationError) as refused:
        load(environ={name: value}, dotenv=None)
    assert list(refused.value.faults) == [
        f"{name}: needs the extra `{extra}`, which is not installed: pip install 'stoa[{extra}]'"
    ]


def test_an_address_that_is_none_is_refused_without_repeating_it() -> None:
    given = {"SENTRY_DSN": "secret-without-form", "OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318"}
    with pytest.raises(ConfigurationError) as refused:
        load(environ=given, dotenv=None)
    assert [fault.partition(":")[0] for fault in refused.value.faults] == ["OTEL_EXPORTER_OTLP_ENDPOINT", "SENTRY_DSN"]
    assert "secret-without-form" not in str(refused.value)


def test_an_event_is_masked_at_any_depth_and_keeps_its_form() -> None:
    event = {
        "event_id": "a" * 32,
        "level": "error",
        "exception": {
            "values": [
                {
                    "type": "Unforeseen",
                    "value": "password=hunter2-in-an-exception",
                    "stacktrace": {"frames": [{"lineno": 7, "vars": {"token": "'t0p-s3cret'", "count": "3"}}]},
                }
            ]
        },
    }
    masked = masked_event(event)
    assert "hunter2" not in str(masked)
    assert "t0p-s3cret" not in str(masked)
    frame = masked["exception"]["values"][0]["stacktrace"]["frames"][0]
    assert (masked["event_id"], frame["lineno"], frame["vars"]["count"]) == ("a" * 32, 7, "3")


def test_an_error_and_a_request_arrive_without_their_secrets(serve: Serve) -> None:
    with collector() as (port, kept):
        server = serve(
            SENTRY_DSN=f"http://public@127.0.0.1:{port}/1", OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}"
        )
        headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "Cookie": "token=c00kie-s3cret"}
        answer = httpx.get(f"{server.base_url}/api/v1/probe/crash?token=t0p-s3cret", headers=headers, timeout=10)
        assert answer.status_code == 500
        until(kept, b"Unforeseen")
        everything = until(kept, bytes.fromhex(TRACE))
        assert {path for path, _ in kept} == {"/api/1/envelope/", "/v1/traces"}
        assert b"GET api/v1/probe/crash" in everything
        assert answer.headers["X-Request-ID"].encode() in everything
        for secret in (b"hunter2", b"t0p-s3cret", b"c00kie-s3cret"):
            assert secret not in everything
