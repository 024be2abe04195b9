"""The outermost layer of every web process: ids, headers, context, one line a request, and a last net.

Plain WSGI, because everything else answers inside it: probes, refused admissions, static files, preflights, Django.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

from stoa.platform.http.envelope import form_of, write_failure
from stoa.platform.http.errors import Failure, failure_of_status
from stoa.runtime import context
from stoa.runtime.client_address import client_address
from stoa.runtime.config.current import settings
from stoa.runtime.config.model import Settings
from stoa.runtime.config.registry import declarations
from stoa.runtime.logs import get_logger
from stoa.wire.headers import LOG_ID, REQUEST_ID

type Environ = dict[str, Any]
type StartResponse = Callable[..., Any]
type WsgiApplication = Callable[[Environ, StartResponse], Iterable[bytes]]

log = get_logger(__name__)

API, ADMIN = "/api/v1/", "/admin/"
_SECRETS = tuple(name for declared in declarations(Settings) if declared.secret for name in declared.names)
_QUIET = frozenset({"/health", "/health/live", "/health/ready", "/metrics"})
_SECURITY_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
_API_POLICY = "default-src 'none'; frame-ancestors 'none'"
_PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'"
)
# Alpine, by which the admin's pages move, makes functions of the words in its attributes. Scripts come from our own files
# there too, and none stands in a page.
_ADMIN_POLICY = f"script-src 'self' 'unsafe-eval'; {_PAGE_POLICY}"


class Entry:
    """Wraps the whole WSGI application of a web process."""

    def __init__(self, app: WsgiApplication) -> None:
        self.app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        started = time.perf_counter()
        environ["stoa.started"] = started
        for name in _SECRETS:  # servers copy the process environment into every request's
            environ.pop(name, None)
        environ["stoa.client_address"] = client_address(environ, settings().trusted_proxy_count)
        _canonical_path(environ)
        request_id = context.accepted_request_id(environ.get("HTTP_X_REQUEST_ID") or environ.get("HTTP_X_LOG_ID"))
        seen = _Seen()

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            seen.status = int(status[:3])
            duration_ms = (time.perf_counter() - started) * 1000
            return start_response(status, _complete(headers, environ, request_id, duration_ms), exc_info)

        agent = environ.get("HTTP_USER_AGENT", "")[:200]
        with context.scope(request_id=request_id, address=environ["stoa.client_address"], agent=agent):
            try:
                body = self._respond(environ, start)
            except Exception as error:  # the process boundary: whatever got here becomes a 500
                log.error("unhandled exception outside Django", error=type(error).__name__, exc_info=error)
                body = refuse(environ, start, failure_of_status(500))
            self._log(environ, seen.status, started)
        if environ["REQUEST_METHOD"] == "HEAD":
            _close(body)
            return []
        return body

    def _respond(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(API):
            length = environ.get("CONTENT_LENGTH") or "0"
            if not length.isdigit():
                return refuse(environ, start, failure_of_status(400))
            if int(length) > settings().max_body_bytes:
                return refuse(environ, start, failure_of_status(413))
        return self.app(environ, start)

    def _log(self, environ: Environ, status: int, started: float) -> None:
        path = environ["PATH_INFO"]
        if path in _QUIET and status == 200:
            return
        # The path without its query string: people put tokens there.
        log.info(
            "request",
            method=environ["REQUEST_METHOD"],
            path=path[:500],
            status=status,
            duration_ms=round((time.perf_counter() - started) * 1000, 1),
            address=environ["stoa.client_address"],
        )


class _Seen:
    status = 0


def refuse(environ: Environ, start_response: StartResponse, failure: Failure) -> Iterable[bytes]:
    """A failure in the envelope, from plain WSGI."""
    body, content_type = write_failure(
        failure, form=form_of(environ.get("HTTP_ACCEPT", "")), started=environ["stoa.started"]
    )
    headers = [("Content-Type", content_type), ("Content-Length", str(len(body))), *failure.headers.items()]
    start_response(f"{failure.status} {failure.code}", headers)
    return [body]


def overloaded(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """What admission answers when its queue is full."""
    refused = failure_of_status(503, {"Retry-After": "1"})
    return refuse(environ, start_response, refused)


def _canonical_path(environ: Environ) -> None:
    """The API has no trailing slashes, and serves the same path with one, for every method, without a redirect.

    The schema and its page are named with a slash, so there the other form is made the canonical one."""
    path = environ.get("PATH_INFO") or "/"
    if path.startswith(API) and path.endswith("/"):
        path = path.rstrip("/")
    elif path in {"/api/schema", "/api/docs"}:
        path += "/"
    environ["PATH_INFO"] = path


def _complete(
    headers: list[tuple[str, str]], environ: Environ, request_id: str, duration_ms: float
) -> list[tuple[str, str]]:
    present = {name.lower() for name, _ in headers}
    complete = [(name, value) for name, value in headers if name.lower() not in {REQUEST_ID, LOG_ID}]
    complete += [pair for pair in _SECURITY_HEADERS if pair[0].lower() not in present]
    if "content-security-policy" not in present:
        complete.append(("Content-Security-Policy", _policy(environ["PATH_INFO"])))
    complete += [
        ("X-Request-ID", request_id),
        ("X-Log-Id", request_id),
        ("X-Response-Time-ms", f"{duration_ms:.1f}"),
    ]
    return complete


def _policy(path: str) -> str:
    if path.startswith((API, "/health")):
        return _API_POLICY
    return _ADMIN_POLICY if path.startswith(ADMIN) else _PAGE_POLICY


def page_policy(*, connect: str) -> str:
    """For a page of ours whose scripts talk to one more address, such as the gateway's."""
    return f"connect-src 'self' {connect}; {_PAGE_POLICY}"


def _close(body: Iterable[bytes]) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()
