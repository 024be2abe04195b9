"""The three probes, answered before Django: no body read, no authentication, no log line on a good answer."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from threading import Lock
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import orjson

from stoa.kit.clock import utc_now
from stoa.platform.health.broken import broken_reason
from stoa.platform.health.readiness import Readiness
from stoa.platform.health.verdict import Outcome
from stoa.runtime.logs import get_logger

logger = get_logger(__name__)

type Answer = tuple[int, Mapping[str, Any]]

_REASONS = {
    200: "200 OK",
    405: "405 Method Not Allowed",
    500: "500 Internal Server Error",
    503: "503 Service Unavailable",
}
_UNHEALTHY: Answer = (500, {"status": "unhealthy"})
_BROKEN: Mapping[str, Answer] = {"/health/ready": (503, {"status": "not_ready", "checks": []})}


class HealthPaths:
    """WSGI middleware: `/health`, `/health/live` and `/health/ready`, with or without a slash at the end."""

    def __init__(self, app: WSGIApplication, *, readiness: Readiness, clock: Callable[[], datetime] = utc_now) -> None:
        self._app = app
        self._readiness = readiness
        self._clock = clock
        self._probes = {"/health": self._health, "/health/live": self._live, "/health/ready": self._ready}
        self._lock = Lock()
        self._failing: set[str] = set()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "").removesuffix("/")
        probe = self._probes.get(path)
        if probe is None:
            return self._app(environ, start_response)
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return _respond(environ, start_response, (405, {"status": "method not allowed"}))
        return _respond(environ, start_response, self._answer(path, probe))

    def _answer(self, path: str, probe: Callable[[], Answer]) -> Answer:
        error: Exception | None = None
        try:
            answer = probe()
        except Exception as raised:  # noqa: BLE001 - the process boundary: a probe that breaks is an answer too
            error = raised
            answer = _BROKEN.get(path, _UNHEALTHY)
        self._log_change(path, failing=error is not None or answer[0] == 500, error=error)
        return answer

    def _log_change(self, path: str, *, failing: bool, error: Exception | None) -> None:
        """Only the way into a failure is told, once, however often the probe is asked."""
        with self._lock:
            news = failing and path not in self._failing
            if failing:
                self._failing.add(path)
            else:
                self._failing.discard(path)
        if news:
            reason = broken_reason() if error is None else type(error).__name__
            logger.error("health probe turned unhealthy", path=path, reason=reason, exc_info=error)

    def _health(self) -> Answer:
        if broken_reason() is not None:
            return _UNHEALTHY
        return 200, {"status": "healthy", "timestamp": self._timestamp()}

    def _live(self) -> Answer:
        return 200, {"status": "ok", "timestamp": self._timestamp()}

    def _ready(self) -> Answer:
        verdict = self._readiness.verdict()
        status, word = (200, "ready") if verdict.ready else (503, "not_ready")
        checks = [_entry(outcome) for outcome in verdict.checks]
        return status, {"status": word, "timestamp": self._timestamp(), "checks": checks}

    def _timestamp(self) -> str:
        return self._clock().isoformat()


def _entry(outcome: Outcome) -> Mapping[str, Any]:
    entry = {"name": outcome.name, "ok": outcome.ok, "duration_ms": outcome.duration_ms}
    return entry if outcome.error is None else {**entry, "error": outcome.error}


def _respond(environ: WSGIEnvironment, start_response: StartResponse, answer: Answer) -> Iterable[bytes]:
    status, content = answer
    body = orjson.dumps(content)
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    ]
    if status == 405:
        headers.append(("Allow", "GET, HEAD"))
    start_response(_REASONS[status], headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
