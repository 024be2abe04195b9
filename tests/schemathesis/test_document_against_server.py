"""Schemathesis reads the served document and tries to make the running server answer otherwise.

Three callers: nobody, a member and a staff member. The run is deterministic, so that a red lane is red again."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections

from stoa.apps.accounts.tests.factories import make_person
from stoa.platform.outbox.draining import drain
from stoa.platform.sweeps.heartbeats import beat_until
from stoa.platform.testing.fixtures import Serve

pytestmark = pytest.mark.schemathesis

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)
# Of an organization that is not the caller's nothing is said, not even that a header is missing: 404 comes first.
CONFIGURATION = """[checks.missing_required_header]
expected-statuses = [400, 401, 403, 404, 406, 415, 422]
"""
EXAMPLES = 30
LIMIT_S = 100


def run(url: str, folder: Path, *, token: str = "", examples: int = EXAMPLES, only: str = "") -> tuple[int, str]:
    """Exit status and report. Routes that crash or sleep on purpose are left out: they are not part of the contract."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/api/schema/?format=json", "--no-color"]
    command += ["--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--mode", "all"]
    command += ["--max-examples", str(examples), "--generation-deterministic"]
    command += ["--continue-on-failure", "--workers", "2"]
    command += ["--exclude-tag", "probe crashes", "--exclude-path", "/api/v1/probe/fail"]
    # Two of the benchmarks' own, which take a title once.
    command += ["--exclude-path", "/api/v1/probe/kept", "--exclude-path", "/api/v1/probe/told"]
    # It ends the sessions of whoever asks, and what follows would be refused.
    command += ["--exclude-path", "/api/v1/auth/logout-all"] if token else []
    command += ["--header", f"Authorization: Bearer {token}"] if token else []
    command += ["--include-path-regex", only] if only else []
    (folder / "schemathesis.toml").write_text(CONFIGURATION)
    environ = {"PATH": os.defpath, "HOME": str(folder), "LANG": "C.UTF-8"}
    ended = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    return ended.returncode, ended.stdout + ended.stderr


@pytest.fixture
def beating(committed_db: None) -> Iterator[None]:
    """A worker: without a heartbeat, or with events that nobody delivers, the system says, rightly, that it is not
    ready."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=beat_until, args=[stop], kwargs={"role": "worker"}),
        threading.Thread(target=deliver_until, args=[stop]),
    ]
    for thread in threads:
        thread.start()
    yield
    stop.set()
    for thread in threads:
        thread.join()


def deliver_until(stop: threading.Event) -> None:
    while not stop.wait(1.0):
        drain(expect_failures=True)
        connections.close_all()


@pytest.mark.usefixtures("beating")
@pytest.mark.parametrize("who", ["nobody", "member", "staff"])
def test_no_answer_is_undocumented(serve: Serve, tmp_path: Path, who: str) -> None:
    server = serve()
    status, report = run(server.base_url, tmp_path, token=token_of(who))
    assert status == 0, report
    assert "Traceback" not in server.output()
    refused = {line.strip(" -") for line in report.splitlines() if line.strip().startswith("- ")}
    assert ("GET /api/v1/users/me" in refused) == (who == "nobody"), report
    assert ("GET /api/v1/probe/table" in refused) == (who != "staff"), report


def test_faults_are_found(serve: Serve, tmp_path: Path) -> None:
    server = serve(application="tests.schemathesis.faulty:application")
    only = "/(users|profile)/me$"
    status, report = run(server.base_url, tmp_path, token=token_of("member"), examples=1, only=only)
    assert status == 1, report
    assert "Server error" in report
    status, report = run(server.base_url, tmp_path, examples=1, only=only)
    assert status == 1, report
    assert "Undocumented status code" in report


def token_of(who: str) -> str:
    staff = who == "staff"
    return "" if who == "nobody" else make_person("Tester", is_staff=staff, is_superuser=staff).access
