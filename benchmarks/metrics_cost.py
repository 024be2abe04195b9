"""What counting one request costs, in microseconds, and how long a scrape takes: `python -m benchmarks.metrics_cost`."""

import tempfile
from pathlib import Path

from benchmarks.timing import microseconds
from stoa.runtime import metrics
from stoa.runtime.metrics_series import CountSeries, TimeSeries

ROUTES = 60


def measure(*, calls: int) -> dict[str, float]:
    """Microseconds a request and milliseconds a scrape, with counters of 60 routes in a scratch folder."""
    requests = CountSeries("stoa_bench_requests", "Bench.", ("method", "route", "status"))
    seconds = TimeSeries("stoa_bench_seconds", "Bench.", ("method", "route"))

    def count() -> None:
        requests.inc("GET", "api/v1/bench/1", "200")
        seconds.observe(0.01, "GET", "api/v1/bench/1")

    off = microseconds(count, calls)
    with tempfile.TemporaryDirectory() as folder:
        metrics.share_in(Path(folder))
        for number in range(ROUTES):
            requests.inc("GET", f"api/v1/bench/{number}", "200")
            seconds.observe(0.01, "GET", f"api/v1/bench/{number}")
        on = microseconds(count, calls)
        scrape = microseconds(metrics.exposition, 5) / 1000
        metrics.stop_sharing()
    return {"off_us": off, "on_us": on, "scrape_ms": scrape}


if __name__ == "__main__":
    for what, value in measure(calls=20_000).items():
        print(f"{what:12} {value:8.2f}")
