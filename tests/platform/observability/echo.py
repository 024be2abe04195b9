"""A server on a real socket that remembers under which ids it was called."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Echo:
    address: str
    ids: list[str] = field(default_factory=list)


@contextmanager
def echoing() -> Iterator[Echo]:
    ids: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ids.append(self.headers["X-Request-ID"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Echo(f"http://127.0.0.1:{server.server_port}", ids)
    finally:
        server.shutdown()
        server.server_close()
