"""Requests to the outside world: a deadline for the whole of each, the request id on it, one log line about it.

httpx limits each phase; a server that sends a byte a second would never meet such a limit. Here every wait on the
socket gets what is left of the deadline. What is not under it is the name's resolution by the operating system.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

from stoa.kit.errors import Upstream
from stoa.runtime import context
from stoa.runtime.logs import get_logger
from stoa.wire.headers import REQUEST_ID

CONNECT_S = 3.0
DEADLINE_S = 10.0
LARGEST_ANSWER = 10 * 1024 * 1024

log = get_logger(__name__)

type Guard = Callable[[str], None]
"""Raises when nothing may leave the process now, such as inside a transaction."""

_until: ContextVar[float] = ContextVar("stoa_http_deadline", default=float("inf"))


class NoAnswer(Upstream):
    """`timed_out`: it may have been done all the same, so that only an idempotent request can simply be repeated."""

    code, message = "UPSTREAM_NO_ANSWER", "A service that Stoa depends on did not answer."

    def __init__(self, service: str, *, timed_out: bool) -> None:
        super().__init__(details={"service": service})
        self.timed_out = timed_out


class HttpClient:
    """One outside service. Safe for several threads, which share its connections. Redirects are not followed.

    `guard` is asked before each request (platform gives `refuse_in_transaction`: runtime knows no transactions)."""

    def __init__(
        self, service: str, *, guard: Guard, base_url: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        # It logs whole URLs, query string and all.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self.service = service
        self._guard = guard
        timeout = httpx.Timeout(DEADLINE_S, connect=CONNECT_S)
        self._client = httpx.Client(
            base_url=base_url, headers=headers, timeout=timeout, transport=_DeadlineTransport(), trust_env=False
        )

    def request(
        self,
        method: str,
        url: str,
        *,
        deadline_s: float = DEADLINE_S,
        largest_answer: int = LARGEST_ANSWER,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **options: Any,
    ) -> httpx.Response:
        """The answer, whatever its status, read to its end. `options` are httpx's: params, json, content, data.

        Raises NoAnswer after `deadline_s` seconds in all, for a connection refused or broken, or an answer of more
        than `largest_answer` bytes; and what the guard raises. Never tries twice."""
        self._guard(f"a request to {self.service}")
        sent = {**(headers or {}), REQUEST_ID: context.current().request_id or context.new_request_id()}
        request = self._client.build_request(method, url, headers=sent, **options)
        began = time.monotonic()
        token = _until.set(began + deadline_s)
        try:
            response = self._client.send(request, stream=True, auth=auth)
            try:
                _read(response, largest_answer)
            finally:
                response.close()
        except (httpx.TransportError, _TooLarge) as error:
            timed_out = isinstance(error, httpx.TimeoutException)
            self._log(request, began, error=type(error).__name__)
            raise NoAnswer(self.service, timed_out=timed_out) from error
        finally:
            _until.reset(token)
        self._log(request, began, status=response.status_code)
        return response

    def close(self) -> None:
        self._client.close()

    def _log(self, request: httpx.Request, began: float, **outcome: object) -> None:
        # No query string: services take keys there. No body and no headers either.
        log.info(
            "outgoing request",
            service=self.service,
            method=request.method,
            host=request.url.host,
            path=request.url.path[:500],
            duration_ms=round((time.monotonic() - began) * 1000, 1),
            **outcome,
        )


class _TooLarge(Exception):
    pass


def _read(response: httpx.Response, largest: int) -> None:
    """Into `response.content`, as `response.read()` would."""
    chunks, size = [], 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > largest:
            raise _TooLarge
        chunks.append(chunk)
    response._content = b"".join(chunks)


class _DeadlineTransport(httpx.HTTPTransport):
    """httpx's, over a network that keeps the deadline."""

    def __init__(self) -> None:
        super().__init__()
        self._pool.close()
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=50,
            max_keepalive_connections=10,
            keepalive_expiry=30.0,
            network_backend=_DeadlineNetwork(),
        )


def _left(timeout: float | None, late: type[Exception]) -> float:
    left = _until.get() - time.monotonic()
    if left <= 0:
        raise late("the deadline has passed")
    return left if timeout is None else min(left, timeout)


class _DeadlineNetwork(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        timeout = _left(timeout, httpcore.ConnectTimeout)
        stream = super().connect_tcp(host, port, timeout, local_address, socket_options)
        return _DeadlineStream(stream)


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        timeout = _left(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
