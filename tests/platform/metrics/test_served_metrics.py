"""`/metrics` of a real server with two processes, and what is counted of a request."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from celery import shared_task
from django.db import OperationalError

from stoa.platform.http.entry import Entry
from stoa.platform.metrics.background import BackgroundFigures, Figures
from stoa.platform.metrics.requests import RequestMetrics
from stoa.platform.metrics.tasks import count_tasks
from stoa.platform.testing.client import ApiClient
from stoa.platform.testing.databases import on_postgres
from stoa.platform.testing.fixtures import Serve
from stoa.project.wsgi import application
from stoa.runtime import metrics
from tests.platform.metrics.samples import Samples, samples_of

TWO = ("--workers", "2", "--blocking-threads", "8", "--backpressure", "64")


@pytest.fixture
def api(counting: Path) -> Iterator[ApiClient]:
    with ApiClient(RequestMetrics(application)) as client:
        yield client


def now() -> Samples:
    return samples_of(metrics.exposition().decode())


def test_two_processes_tell_the_same_sums(serve: Serve) -> None:
    server = serve(options=TWO, ENABLE_METRICS="true", METRICS_TOKEN="scraper")
    bearer = {"Authorization": "Bearer scraper"}

    def visit(number: int) -> None:
        httpx.get(f"{server.base_url}/api/v1/system/health", timeout=10)
        httpx.get(f"{server.base_url}/health/live", timeout=10)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(visit, range(60)))
    seen, found = set(), Samples()
    for _ in range(20):  # a connection each, so that both processes are asked
        answer = httpx.get(f"{server.base_url}/metrics", headers=bearer, timeout=10)
        assert (answer.status_code, answer.headers["content-type"]) == (200, metrics.CONTENT_TYPE)
        found = samples_of(answer.text)
        seen.add(found["stoa_http_requests_total"][("GET", "api/v1/system/health", "200")])
        assert found["stoa_http_request_seconds_count"][("GET", "api/v1/system/health")] == 60.0
        assert found["stoa_health_probes_total"][("/health/live", "200")] == 60.0
    assert seen == {60.0}
    assert found["stoa_processes"] == {("web",): 2.0}
    assert found["stoa_database_up"] == {(): 1.0}
    assert found["stoa_outbox_parked"] == {(): 0.0}
    assert found["stoa_outbox_lag_seconds"][()] >= 0
    if on_postgres():
        assert sum(found["stoa_database_pool_connections"].values()) >= 1
    assert httpx.get(f"{server.base_url}/metrics", timeout=10).status_code == 401


def test_off_it_is_404_and_nothing_is_in_between(serve: Serve) -> None:
    assert isinstance(application, Entry)
    server = serve()
    assert httpx.get(f"{server.base_url}/metrics", timeout=10).status_code == 404
    assert not (server.folder / "var" / "metrics").exists()


def test_the_labels_of_requests_are_bounded(db: None, api: ApiClient) -> None:
    for number in range(20):
        api.get(f"/api/v1/nothing/{number}")
        api.get(f"/wp-login-{number}.php")
        api.request(f"M{number}", "/api/v1/system/health")
        api.get(f"/api/v1/probe/notes/0194f5a2-7c3e-7b1a-9c55-2f6d0a1b4e{number:02d}")
    api.get("/health")
    api.get("/metrics")
    requests = now()["stoa_http_requests_total"]
    assert requests == {
        ("GET", "none", "404"): 40.0,
        ("other", "api/v1/system/health", "405"): 20.0,
        ("GET", "api/v1/probe/notes/<uuid:note_id>", "401"): 20.0,
    }
    assert now()["stoa_health_probes_total"] == {("/health", "200"): 1.0}


def test_a_task_is_counted_with_its_result(counting: Path) -> None:
    count_tasks()
    probe_well.delay()
    probe_badly.delay()
    found = now()
    names = (probe_well.name, probe_badly.name)
    assert found["stoa_tasks_total"] == {("success", names[0]): 1.0, ("failure", names[1]): 1.0}
    assert found["stoa_task_seconds_count"] == {(name,): 1.0 for name in names}


@shared_task
def probe_well() -> None:
    return None


@shared_task
def probe_badly() -> None:
    raise ZeroDivisionError


def test_without_the_database_only_that_is_told() -> None:
    def away() -> Figures:
        raise OperationalError("away")

    found = {family.name: [sample.value for sample in family.samples] for family in BackgroundFigures(away).collect()}
    assert found == {"stoa_database_up": [0.0]}


def test_a_database_that_hangs_does_not_hold_the_scrape_and_is_asked_once() -> None:
    asked, release = [0], threading.Event()

    def hang() -> Figures:
        asked[0] += 1
        release.wait(10)
        return Figures(1.5, 2, ())

    figures = BackgroundFigures(hang)
    started = time.perf_counter()
    for _ in range(2):
        assert [family.samples[0].value for family in figures.collect()] == [0.0]
    assert time.perf_counter() - started < 0.4
    assert asked == [1]
    looking = figures._looking
    release.set()
    assert looking is not None
    assert looking.wait(5)
    assert [family.samples[0].value for family in figures.collect() if family.samples][:3] == [1.0, 1.5, 2.0]
    assert asked == [1]
