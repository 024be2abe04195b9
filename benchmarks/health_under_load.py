"""How long `/health` takes while the database hangs: a real Granian, twice as many requests as it has threads.

Run as a script it prints the figures. The peer is the same server without admission; both see the same load in one run.
Needs PostgreSQL (DATABASE_URL). The tests of stoa.platform.health use the same parts.
"""

import contextlib
import http.client
import statistics
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

import psycopg

from stoa.platform.health.admission import Admission
from stoa.platform.health.paths import HealthPaths
from stoa.platform.health.readiness import Readiness
from stoa.platform.testing.servers import Server, served
from stoa.runtime.config.current import settings
from stoa.runtime.config.database_address import names_postgres

CONCURRENCY, QUEUE, SPARE = 4, 4, 8
THREADS = CONCURRENCY + QUEUE + SPARE
CALLERS = 2 * THREADS
GIVE_UP_S = 1.0
LOCK = 740_517
OPTIONS = ("--workers", "1", "--blocking-threads", str(THREADS))
ADMITTED, UNGUARDED = "benchmarks.health_under_load:admitted", "benchmarks.health_under_load:unguarded"


def _connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True, application_name="stoa-hanging")


def own_url() -> str:
    """DATABASE_URL of this process. Raises LookupError without one that names PostgreSQL."""
    url = settings().database_url
    if url is None or not names_postgres(settings()):
        raise LookupError("set DATABASE_URL to a PostgreSQL database")
    return url.get_secret_value()


def work(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """A request that needs a row which somebody else has locked."""
    with _connect(own_url()) as connection:
        connection.execute("SELECT pg_advisory_lock_shared(%s)", [LOCK])
    start_response("200 OK", [("Content-Length", "2")])
    return iter([b"ok"])


def refuse(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("503 Service Unavailable", [("Content-Length", "4"), ("Retry-After", "1")])
    return [b"busy"]


def _ready() -> Readiness:
    return Readiness([])


unguarded = HealthPaths(work, readiness=_ready())
admitted = HealthPaths(
    Admission(work, concurrency=CONCURRENCY, queue=QUEUE, queue_timeout_s=0.5, overloaded=refuse), readiness=_ready()
)


def probe_ms(server: Server, *, count: int, every_s: float = 0.01) -> Sequence[float]:
    """Durations of `/health`, each over a connection of its own, as an orchestrator asks. One that gives up counts as
    GIVE_UP_S."""
    durations: list[float] = []
    for _ in range(count):
        started = time.monotonic()
        with contextlib.suppress(OSError):
            _get(server, "/health", timeout_s=GIVE_UP_S)
        durations.append((time.monotonic() - started) * 1000)
        time.sleep(every_s)
    return durations


def percentile_ms(durations: Sequence[float], percent: int) -> float:
    return statistics.quantiles(durations, n=100, method="inclusive")[percent - 1]


def hanging_in_the_database(url: str) -> int:
    """Requests that wait for the lock right now."""
    with _connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'stoa-hanging' "
            "AND datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
    return row[0] if row else 0


@contextmanager
def hang(server: Server, *, url: str, hanging: int) -> Iterator[None]:
    """While it lasts CALLERS clients ask for `work`, again and again; starts when `hanging` of them are stuck."""
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                _get(server, "/work", timeout_s=30)
            over.wait(0.1)

    callers = [threading.Thread(target=ask) for _ in range(CALLERS)]
    with _connect(url) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        for caller in callers:
            caller.start()
        try:
            deadline = time.monotonic() + 10
            while hanging_in_the_database(url) < hanging:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"fewer than {hanging} requests hang")
                time.sleep(0.05)
            yield
        finally:
            over.set()
            holder.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
            for caller in callers:
                caller.join(30)


def _get(server: Server, path: str, *, timeout_s: float) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


@contextmanager
def serving(application: str, url: str) -> Iterator[Server]:
    with (
        tempfile.TemporaryDirectory() as folder,
        served(folder=Path(folder), environ={"DATABASE_URL": url}, application=application, options=OPTIONS) as server,
    ):
        yield server


def measure(*, probes: int = 500, given_up: int = 10) -> dict[str, dict[str, float]]:
    """p50 and p99 in ms of `/health`: idle, under the hang, and under the hang without admission."""
    url = own_url()
    series: dict[str, Sequence[float]] = {}
    with serving(ADMITTED, url) as server:
        series["idle"] = probe_ms(server, count=probes, every_s=0.0)
        with hang(server, url=url, hanging=CONCURRENCY):
            series["hang"] = probe_ms(server, count=probes)
    with serving(UNGUARDED, url) as server, hang(server, url=url, hanging=THREADS):
        series["hang_without_admission"] = probe_ms(server, count=given_up)
    figures = {
        name: {"p50_ms": round(percentile_ms(found, 50), 2), "p99_ms": round(percentile_ms(found, 99), 2)}
        for name, found in series.items()
    }
    for name, figure in figures.items():
        print(f"/health {name:24} p50 {figure['p50_ms']:8.2f} ms   p99 {figure['p99_ms']:8.2f} ms")
    return figures


if __name__ == "__main__":
    measure()
