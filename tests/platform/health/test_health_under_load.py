"""`/health` of a real server while its database hangs, with and without admission; and drain across processes."""

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from benchmarks.health_under_load import (
    ADMITTED,
    CONCURRENCY,
    OPTIONS,
    THREADS,
    UNGUARDED,
    hang,
    hanging_in_the_database,
    percentile_ms,
    probe_ms,
)
from stoa.platform.testing.servers import ROOT, served
from tests.platform.health.conftest import Database

LIMIT_MS = 100


@pytest.fixture
def url(scratch_database: Database) -> str:
    user, password = quote(scratch_database["USER"], safe=""), quote(scratch_database["PASSWORD"], safe="")
    return "postgresql://{}:{}@{HOST}:{PORT}/{NAME}".format(user, password, **scratch_database)


@pytest.mark.postgres
@pytest.mark.slow
def test_health_answers_while_twice_as_many_requests_as_threads_hang(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(folder=tmp_path, environ={"DATABASE_URL": url}, application=ADMITTED, options=OPTIONS) as server:
        with hang(server, url=url, hanging=CONCURRENCY):
            durations = probe_ms(server, count=300)
            assert hanging_in_the_database(url) == CONCURRENCY
        with server.client() as client:
            assert client.get("/work").status_code == 200, "places were lost in the hang"
    p99 = percentile_ms(durations, 99)
    with capsys.disabled():
        print(f"\n  /health while {2 * THREADS} requests hang on {THREADS} threads: p99 {p99:.2f} ms")
    assert p99 < LIMIT_MS


@pytest.mark.postgres
@pytest.mark.slow
def test_without_admission_it_does_not(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The twin: the same load and the same threads, so that the test above is known to be able to fail."""
    with (
        served(folder=tmp_path, environ={"DATABASE_URL": url}, application=UNGUARDED, options=OPTIONS) as server,
        hang(server, url=url, hanging=THREADS),
    ):
        durations = probe_ms(server, count=3)
        assert hanging_in_the_database(url) == THREADS
    p99 = percentile_ms(durations, 99)
    with capsys.disabled():
        print(f"\n  without admission: p99 {p99:.0f} ms (given up)")
    assert p99 > LIMIT_MS


def test_drain_in_one_process_turns_every_other_red_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "served"
    folder.mkdir()
    environ = {"ENVIRONMENT": "test", "DRAIN_FILE": str(tmp_path / "deep" / "drain")}

    def command(name: str) -> None:
        code = f"from stoa.platform.health.drain import {name}; {name}(); {name}()"
        subprocess.run([sys.executable, "-c", code], cwd=folder, env={**environ, "PYTHONPATH": str(ROOT)}, check=True)

    options = ("--workers", "2", "--blocking-threads", "4")
    with served(folder=folder, environ=environ, application=ADMITTED, options=options) as server:

        def asked() -> set[tuple[int, str]]:
            found = set()
            for _ in range(12):  # a connection each, so that both processes are met
                with server.client() as client:
                    answer = client.get("/health/ready")
                    found.add((answer.status_code, json.dumps([check["name"] for check in answer.json()["checks"]])))
            return found

        assert asked() == {(200, "[]")}
        command("drain")
        assert asked() == {(503, '["drain"]')}
        with server.client() as client:
            assert client.get("/health").status_code == 200
        command("undrain")
        assert asked() == {(200, "[]")}
