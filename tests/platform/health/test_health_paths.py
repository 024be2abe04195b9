"""The probes as a WSGI server sees them."""

import json
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from stoa.platform.health.broken import mark_broken, mark_whole
from stoa.platform.health.checks import Passed
from stoa.platform.health.paths import HealthPaths
from stoa.platform.health.readiness import Readiness

MOMENT = datetime(2026, 2, 3, 12, 34, 56, tzinfo=UTC)
STAMP = "2026-02-03T12:34:56+00:00"

PROBES = {f"{path}{slash}" for path in ("/health", "/health/live", "/health/ready") for slash in ("", "/")}


class Check:
    names = ("database", "migrations")

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault

    async def run(self, passed: Passed, *, budget_s: float) -> None:
        passed("database")
        if self.fault is not None:
            raise self.fault
        passed("migrations")


class UnreadBody:
    """A request body that must not be touched, as wsgi.input."""

    def read(self, *size: int) -> bytes:
        raise AssertionError("a probe read the body")

    readline = readlines = __iter__ = read


def behind(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    if environ["PATH_INFO"] in PROBES:
        raise AssertionError("a probe reached Django")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"django"]


def paths(fault: Exception | None = None, *, draining: bool = False, clock: Any = lambda: MOMENT) -> HealthPaths:
    readiness = Readiness([Check(fault)], cache_s=0.0, draining=lambda: draining)
    return HealthPaths(behind, readiness=readiness, clock=clock)


def call(app: WSGIApplication, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        **headers,
    }
    setup_testing_defaults(environ)
    environ["wsgi.input"] = UnreadBody()
    seen: list[Any] = []
    body = validator(app)(environ, lambda status, fields, exc_info=None: seen.extend((status, fields)) or print)
    try:
        content = b"".join(body)
    finally:
        body.close()
    return int(seen[0].split()[0]), dict(seen[1]), content


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/health", {"status": "healthy", "timestamp": STAMP}),
        ("/health/", {"status": "healthy", "timestamp": STAMP}),
        ("/health/live", {"status": "ok", "timestamp": STAMP}),
        ("/health/live/", {"status": "ok", "timestamp": STAMP}),
    ],
)
def test_liveness_in_its_words_and_without_a_log_line(
    path: str, content: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    status, headers, body = call(paths(), path, HTTP_AUTHORIZATION="Bearer not-even-a-token")
    assert (status, json.loads(body)) == (200, content)
    assert headers == {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
    }
    assert caplog.records == []


def test_head_is_get_without_the_body() -> None:
    app = paths()
    got = call(app, "/health")
    assert call(app, "/health", "HEAD") == (200, got[1], b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_refused_by_name(method: str) -> None:
    status, headers, _ = call(paths(), "/health/ready", method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/", "/healthy", "/health/other", "/health//", "/api/v1/system/health"])
def test_every_other_path_goes_on_to_django(path: str) -> None:
    assert call(paths(), path)[2] == b"django"


def test_ready_lists_its_checks() -> None:
    status, _, body = call(paths(), "/health/ready")
    content = json.loads(body)
    durations = [check.pop("duration_ms") for check in content["checks"]]
    assert (status, content) == (
        200,
        {
            "status": "ready",
            "timestamp": STAMP,
            "checks": [{"name": "database", "ok": True}, {"name": "migrations", "ok": True}],
        },
    )
    assert all(0 <= duration < 850 for duration in durations)


def test_a_failed_check_says_its_class_and_nothing_else() -> None:
    status, _, body = call(paths(ConnectionRefusedError("db.internal:5432 password=hunter2")), "/health/ready")
    assert status == 503
    assert json.loads(body)["status"] == "not_ready"
    assert [(c["name"], c["ok"], c.get("error")) for c in json.loads(body)["checks"]] == [
        ("database", True, None),
        ("migrations", False, "ConnectionRefusedError"),
    ]
    assert b"hunter2" not in body


def test_draining_is_red_whatever_the_checks_say() -> None:
    status, _, body = call(paths(draining=True), "/health/ready")
    assert status == 503
    assert json.loads(body)["checks"][-1] == {"name": "drain", "ok": False, "duration_ms": 0.0, "error": "Draining"}


def test_marked_broken_is_told_once_until_it_was_whole_again(caplog: pytest.LogCaptureFixture) -> None:
    app = paths()
    mark_broken("the pool is gone")
    for _ in range(3):
        assert (call(app, "/health")[0], call(app, "/health")[2]) == (500, b'{"status":"unhealthy"}')
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "health probe turned unhealthy")
    ]
    assert call(app, "/health/live")[0] == 200
    mark_whole()
    assert call(app, "/health")[0] == 200
    mark_broken("again")
    assert call(app, "/health")[0] == 500
    assert len(caplog.records) == 2


def test_whatever_is_raised_inside_is_an_answer_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    def broken_clock() -> datetime:
        raise OverflowError("secret detail")

    app = paths(clock=broken_clock)
    for _ in range(2):
        assert call(app, "/health")[::2] == (500, b'{"status":"unhealthy"}')
        assert call(app, "/health/ready")[::2] == (503, b'{"status":"not_ready","checks":[]}')
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert all(record.exc_info and record.exc_info[0] is OverflowError for record in caplog.records)
