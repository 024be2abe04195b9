"""How many requests a process works on at once, and how many may wait.

Without a bound, requests that hang on the database take every thread of the server, and the probes wait behind them
(measured: 8 hung requests on 4 threads made `/health` wait 19.5 s). The server needs `concurrency + queue` threads for
what is admitted or waiting, and a few more for the probes and the refusals.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from threading import Lock
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

type Overloaded = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]


class Admission:
    """WSGI middleware. First come, first served; a free place goes straight to the longest waiting."""

    def __init__(
        self, app: WSGIApplication, *, concurrency: int, queue: int, queue_timeout_s: float, overloaded: Overloaded
    ) -> None:
        self._app = app
        self._concurrency = concurrency
        self._queue = queue
        self._queue_timeout_s = queue_timeout_s
        self._overloaded = overloaded
        self._lock = Lock()
        self._waiters: deque[Lock] = deque()
        self._in_use = 0
        self._refused_total = 0

    @property
    def in_use(self) -> int:
        """Requests being worked on, at most `concurrency`."""
        return self._in_use

    @property
    def waiting(self) -> int:
        """Requests in the queue, at most `queue`."""
        return len(self._waiters)

    @property
    def refused_total(self) -> int:
        """Requests answered by `overloaded` since the process started."""
        return self._refused_total

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not self._enter():
            return self._overloaded(environ, start_response)
        try:
            body = self._app(environ, start_response)
        except BaseException:
            self._leave()
            raise
        if isinstance(body, list):
            # A list is complete and has no close(); a server may send it as it is.
            self._leave()
            return body
        return _Admitted(body, self._leave)

    def _enter(self) -> bool:
        with self._lock:
            if self._in_use < self._concurrency:
                self._in_use += 1
                return True
            if len(self._waiters) >= self._queue:
                self._refused_total += 1
                return False
            # A lock that its maker holds: whoever leaves opens it and with that hands over the place.
            turn = Lock()
            turn.acquire()
            self._waiters.append(turn)
        if turn.acquire(timeout=self._queue_timeout_s):
            return True
        with self._lock:
            if turn not in self._waiters:
                return True  # the place was handed over between the timeout and this line
            self._waiters.remove(turn)
            self._refused_total += 1
            return False

    def _leave(self) -> None:
        with self._lock:
            if self._waiters:
                self._waiters.popleft().release()
            else:
                self._in_use -= 1


class _Admitted:
    """The response's body, whose close() gives the place back, once, whatever the body's own close() does."""

    def __init__(self, body: Iterable[bytes], leave: Callable[[], None]) -> None:
        self._body = body
        self._leave = leave
        self._open = Lock()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        if not self._open.acquire(blocking=False):
            return
        try:
            if hasattr(self._body, "close"):
                self._body.close()
        finally:
            self._leave()
