"""Requests and probes, counted at the outermost layer of a web process."""

import time
from collections.abc import Iterable

from stoa.platform.http.entry import Environ, StartResponse, WsgiApplication
from stoa.platform.metrics.pool import note_pool
from stoa.runtime.metrics_series import CountSeries, TimeSeries

REQUESTS = CountSeries("stoa_http_requests", "Answers by method, route and status.", ("method", "route", "status"))
REQUEST_SECONDS = TimeSeries("stoa_http_request_seconds", "Time to an answer by method and route.", ("method", "route"))
PROBES = CountSeries("stoa_health_probes", "Answers of the health probes by path and status.", ("path", "status"))

PROBE_PATHS = frozenset({"/health", "/health/live", "/health/ready"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED = "none"
"""The route of what no route answered: unknown paths, static files, refusals before Django."""


class RequestMetrics:
    """WSGI middleware. Labels are templates, methods of a list and statuses, so their number is bounded."""

    def __init__(self, app: WsgiApplication) -> None:
        self.app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        started = time.perf_counter()
        seen: list[str] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> object:
            seen.append(status[:3])
            return start_response(status, headers, exc_info)

        body = self.app(environ, start)
        _count(environ, seen[-1] if seen else "500", time.perf_counter() - started)
        return body


def _count(environ: Environ, status: str, seconds: float) -> None:
    path = environ["PATH_INFO"].removesuffix("/")
    if path in PROBE_PATHS:
        PROBES.inc(path, status)
        return
    if path == "/metrics":
        return
    method = environ["REQUEST_METHOD"] if environ["REQUEST_METHOD"] in _METHODS else "other"
    route = environ.get("stoa.route", UNMATCHED)
    REQUESTS.inc(method, route, status)
    REQUEST_SECONDS.observe(seconds, method, route)
    note_pool()
