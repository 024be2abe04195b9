"""A caller of the whole WSGI application: the wrapper, Django's middleware, the view, and the answer as bytes.

Without a socket and in the test's own thread, so that the view sees the test's open transaction."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import httpx
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from stoa.platform.testing.answers import note_response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(frozen=True, slots=True)
class Envelope:
    """An enveloped answer, read strictly: a missing or an additional key is a KeyError or a TypeError."""

    status: int
    success: bool
    message: str
    data: Any
    error: dict[str, Any] | None
    meta: dict[str, Any]
    timestamp: str

    @property
    def code(self) -> str:
        """The error's code; empty on success."""
        return str(self.error["code"]) if self.error else ""

    @property
    def fields(self) -> dict[str, list[str]]:
        """The faulty fields of a VALIDATION_ERROR; empty otherwise."""
        details = self.error["details"] if self.error else {}
        fields: dict[str, list[str]] = details.get("fields", {})
        return fields


def envelope(response: httpx.Response) -> Envelope:
    """Raises AssertionError when the body is not an envelope that agrees with its own status."""
    content_type = response.headers.get("content-type", "")
    if not content_type.startswith("application/json"):
        raise AssertionError(f"{response.status_code} {content_type}: {response.text[:500]}")
    read = Envelope(status=response.status_code, **response.json())
    if read.success != (200 <= read.status < 300) or read.success != (read.error is None):
        raise AssertionError(f"{read.status} with success={read.success} and error={read.error}")
    return read


class ApiClient(httpx.Client):
    """`ApiClient(application).get("/health")`: every method of httpx.Client, against `http://testserver`."""

    def __init__(
        self,
        app: "WSGIApplication",
        *,
        token: str = "",
        remote_addr: str = "127.0.0.1",
        headers: dict[str, str] | None = None,
    ) -> None:
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        super().__init__(
            transport=_Transport(_wsgi_bytes(app), raise_app_exceptions=False, remote_addr=remote_addr),
            base_url="http://testserver",
            headers={**authorization, **(headers or {})},
            event_hooks={"response": [note_response]},
        )
        self._app = app
        self._remote_addr = remote_addr
        self._own_headers = dict(headers or {})

    def bearer(self, token: str) -> Self:
        """The same caller, signed in; this one is unchanged."""
        return type(self)(self._app, token=token, remote_addr=self._remote_addr, headers=self._own_headers)

    def at(self, remote_addr: str) -> Self:
        """An anonymous caller from another address."""
        return type(self)(self._app, remote_addr=remote_addr, headers=self._own_headers)

    def send_json(self, method: str, path: str, body: Any = None, **headers: str) -> Envelope:
        """Send `body` as JSON; underscores in the names of headers stand for hyphens (`Idempotency_Key="k1"`)."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return envelope(self.request(method, path, json=body, headers=named))

    def read(self, path: str, **query: str | int) -> Envelope:
        return envelope(self.get(path, params=query))


_in_flight_lock = threading.Lock()
_in_flight = [0]


@contextmanager
def _connections_kept() -> Iterator[None]:
    """Django closes connections around every request, in a transaction too; a test's is not to be closed.

    Counted, because several threads of a race may have a request in flight. Whoever starts threads closes theirs."""
    with _in_flight_lock:
        _in_flight[0] += 1
        request_started.disconnect(close_old_connections)
        request_finished.disconnect(close_old_connections)
    try:
        yield
    finally:
        with _in_flight_lock:
            _in_flight[0] -= 1
            if _in_flight[0] == 0:
                request_started.connect(close_old_connections)
                request_finished.connect(close_old_connections)


class _Transport(httpx.WSGITransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with _connections_kept():
            response = super().handle_request(request)
            # The end of the body is the end of the request (request_finished): before the connections are let go.
            response.read()
        return response


def _wsgi_bytes(app: "WSGIApplication") -> "WSGIApplication":
    """httpx hands over the path as text; WSGI wants the bytes of the path, spelt in Latin-1 (PEP 3333)."""

    def called(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ["PATH_INFO"] = environ["PATH_INFO"].encode().decode("latin-1")
        return app(environ, start_response)

    return called
