"""`GET /metrics`, outside admission: what tells that a server is overloaded must not queue behind the load."""

import hmac
from collections.abc import Iterable

from stoa.platform.http.entry import Environ, StartResponse, WsgiApplication
from stoa.runtime.config.current import settings
from stoa.runtime.metrics import CONTENT_TYPE, exposition


class MetricsPath:
    """404 unless ENABLE_METRICS; 401 without METRICS_TOKEN as a bearer token where one is set."""

    def __init__(self, app: WsgiApplication) -> None:
        self.app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/metrics":
            return self.app(environ, start_response)
        current = settings()
        if not current.enable_metrics:
            return _answer(start_response, "404 Not Found", b"")
        if current.metrics_token is not None:
            expected = f"Bearer {current.metrics_token.get_secret_value()}".encode()
            given = environ.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace")
            if not hmac.compare_digest(given, expected):
                return _answer(start_response, "401 Unauthorized", b"")
        return _answer(start_response, "200 OK", exposition(), CONTENT_TYPE)


def _answer(start_response: StartResponse, status: str, body: bytes, content_type: str = "text/plain") -> list[bytes]:
    headers = [("Content-Type", content_type), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")]
    start_response(status, headers)
    return [body]
