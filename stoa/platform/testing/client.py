"""A caller of the whole WSGI application: the wrapper, Django's middleware, the view, and the answer as bytes.

Without a socket, so a test's open transaction is seen by the view. Django ends connections between requests only
outside a transaction, so the one a test runs in survives."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import httpx

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
            transport=httpx.WSGITransport(_wsgi_bytes(app), raise_app_exceptions=False, remote_addr=remote_addr),
            base_url="http://testserver",
            headers={**authorization, **(headers or {})},
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


def _wsgi_bytes(app: "WSGIApplication") -> "WSGIApplication":
    """httpx hands over the path as text; WSGI wants the bytes of the path, spelt in Latin-1 (PEP 3333)."""

    def called(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ["PATH_INFO"] = environ["PATH_INFO"].encode().decode("latin-1")
        return app(environ, start_response)

    return called
