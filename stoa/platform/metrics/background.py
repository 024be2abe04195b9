"""What the database knows of work in the background, asked at scrape time by index and with a deadline."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db import DatabaseError, connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from stoa.platform.outbox.status import lag_s, parked_count
from stoa.platform.sweeps.registry import declared
from stoa.platform.sweeps.staleness import LastRun, last_runs, stale_sweeps
from stoa.runtime.logs import get_logger

KEPT_S = 5.0
WAIT_S = 0.15
"""A scrape has 200 ms; a database that takes longer is told as down, and its answer serves the next one."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Figures:
    lag_s: float
    parked: int
    stale: tuple[str, ...]
    runs: tuple[LastRun, ...] = ()


def read_figures() -> Figures:
    """Four or five queries, each by an index or over a table of a few dozen rows."""
    return Figures(lag_s=lag_s(), parked=parked_count(), stale=stale_sweeps(), runs=last_runs())


class BackgroundFigures(Collector):
    """One look at a time whatever the number of scrapes, kept for KEPT_S. Without an answer only stoa_database_up is
    told: a lag that nobody could read is not zero."""

    def __init__(self, read: Callable[[], Figures] = read_figures) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._looking: threading.Event | None = None
        self._found: tuple[float, Figures | None] = (float("-inf"), None)

    def collect(self) -> Iterable[Metric]:
        figures = self._figures()
        yield GaugeMetricFamily("stoa_database_up", "1 when the database answers.", value=float(figures is not None))
        if figures is None:
            return
        yield GaugeMetricFamily(
            "stoa_outbox_lag_seconds", "Age of the oldest event or delivery that is due.", value=figures.lag_s
        )
        yield GaugeMetricFamily("stoa_outbox_parked", "Deliveries that were given up on.", value=figures.parked)
        stale = GaugeMetricFamily(
            "stoa_sweep_stale", "1 for a sweep that has not ended well in time.", labels=["sweep"]
        )
        for name in sorted(declared()):
            stale.add_metric([name], float(name in figures.stale))
        yield stale
        age = GaugeMetricFamily("stoa_sweep_age_seconds", "Since a sweep last ended well.", labels=["sweep"])
        count = GaugeMetricFamily("stoa_sweep_last_rows", "Rows that its last run did or found.", labels=["sweep"])
        for run in figures.runs:
            age.add_metric([run.name], run.age_s)
            count.add_metric([run.name], float(run.count))
        yield age
        yield count

    def _figures(self) -> Figures | None:
        with self._lock:
            at, known = self._found
            if time.monotonic() - at < KEPT_S:
                return known
            looking = self._looking
            if looking is None:
                looking = self._looking = threading.Event()
                threading.Thread(target=self._look, args=(looking,), name="metrics-look", daemon=True).start()
        if not looking.wait(WAIT_S):
            return None
        return self._found[1]

    def _look(self, looking: threading.Event) -> None:
        found: Figures | None = None
        try:
            found = self._read()
        except DatabaseError as error:
            log.info("the database does not answer to the metrics", error=type(error).__name__)
        finally:
            connection.close()
            with self._lock:
                self._found, self._looking = (time.monotonic(), found), None
            looking.set()
