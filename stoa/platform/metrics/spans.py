"""One OpenTelemetry span a request, under the caller's trace where one was sent along."""

from collections.abc import Iterable

from opentelemetry import propagate, trace

from stoa.platform.http.entry import Environ, StartResponse, WsgiApplication
from stoa.platform.metrics.requests import UNMATCHED

_CARRIED = {"HTTP_TRACEPARENT": "traceparent", "HTTP_TRACESTATE": "tracestate"}
_tracer = trace.get_tracer("stoa")


class RequestSpans:
    """WSGI middleware. Imported only where traces are sent. The span's name is the route, never the path."""

    def __init__(self, app: WsgiApplication) -> None:
        self.app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        carried = {name: environ[key] for key, name in _CARRIED.items() if key in environ}
        method = environ["REQUEST_METHOD"]
        with _tracer.start_as_current_span(
            method, context=propagate.extract(carried), kind=trace.SpanKind.SERVER
        ) as span:

            def start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> object:
                span.set_attribute("http.response.status_code", int(status[:3]))
                if status.startswith("5"):
                    span.set_status(trace.StatusCode.ERROR)
                sent = dict(headers)
                span.set_attribute("stoa.request_id", sent.get("X-Request-ID", ""))
                return start_response(status, headers, exc_info)

            body = self.app(environ, start)
            route = environ.get("stoa.route", UNMATCHED)
            span.update_name(f"{method} {route}")
            span.set_attribute("http.request.method", method)
            span.set_attribute("http.route", route)
            return body
