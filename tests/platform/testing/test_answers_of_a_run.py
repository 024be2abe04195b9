"""What a run notes of its answers, and that the comparison with the documentation can fail."""

import subprocess
import sys
from pathlib import Path

import pytest

import stoa
from architecture.documented_statuses import main, status_faults
from scripts.test_lanes import Outcome, compare_with_the_document
from stoa.kit.errors import Conflict
from stoa.platform.http.access import PUBLIC, SIGNED_IN
from stoa.platform.http.endpoints import Endpoint
from stoa.platform.testing.answers import Answer, read_answers

ROOT = Path(stoa.__file__).parents[1]
ROUTE = "api/v1/things"


class Taken(Conflict):
    code, message = "TAKEN", "Taken."


class Sold(Conflict):
    code, message = "SOLD", "Sold."


def view(call: object) -> None:
    """Make a thing."""


THINGS = Endpoint(method="PUT", view=view, access=SIGNED_IN, answer=None, raises=(Taken, Sold), conditional="write")
COMPLETE: set[Answer] = {
    ("PUT", ROUTE, 200, ""),
    ("PUT", ROUTE, 401, "UNAUTHORIZED"),
    ("PUT", ROUTE, 409, "TAKEN"),
    ("PUT", ROUTE, 409, "SOLD"),
    ("PUT", ROUTE, 412, "PRECONDITION_FAILED"),
    ("PUT", ROUTE, 429, "RATE_LIMITED"),
}


def test_a_complete_run_has_no_fault() -> None:
    before_the_route: set[Answer] = {
        ("PUT", ROUTE, 413, "PAYLOAD_TOO_LARGE"),
        ("GET", ROUTE, 405, "METHOD_NOT_ALLOWED"),
    }
    assert status_faults([(ROUTE, THINGS)], COMPLETE | before_the_route) == []


@pytest.mark.parametrize("missing", sorted(COMPLETE))
def test_each_answer_that_nobody_produced_is_a_fault(missing: Answer) -> None:
    faults = status_faults([(ROUTE, THINGS)], COMPLETE - {missing})
    said = " ".join(filter(None, (str(missing[2]), missing[3])))
    assert faults[-1] == f"PUT {ROUTE}: documents {said}, which no test has produced"
    assert (f"PUT {ROUTE}: no test has seen it succeed" in faults) == (missing[2] == 200)


def test_an_answer_that_is_not_documented_is_a_fault() -> None:
    surplus: set[Answer] = {("PUT", ROUTE, 404, "NOT_FOUND"), ("PUT", ROUTE, 409, "CONFLICT")}
    assert status_faults([(ROUTE, THINGS)], COMPLETE | surplus) == [
        f"PUT {ROUTE}: answered 404 NOT_FOUND, which it does not document",
        f"PUT {ROUTE}: answered 409 CONFLICT, which it does not document",
    ]


def test_another_method_or_route_does_not_count() -> None:
    public = Endpoint(method="GET", view=view, access=PUBLIC, answer=None, conditional="read", default_limits=False)
    assert status_faults([(ROUTE, public)], {("HEAD", ROUTE, 200, ""), ("GET", "api/v1/others", 304, "")}) == [
        f"GET {ROUTE}: no test has seen it succeed",
        f"GET {ROUTE}: documents 200, which no test has produced",
        f"GET {ROUTE}: documents 304, which no test has produced",
    ]


def test_a_run_writes_what_it_saw_only_when_asked(tmp_path: Path) -> None:
    file = "tests/platform/http/test_every_operation.py::test_422_for_an_unknown_parameter"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file]
    ended = subprocess.run(
        [*command, "--answers", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout
    answers = read_answers(tmp_path)
    assert ("GET", "api/v1/auth/sessions", 422, "VALIDATION_ERROR") in answers
    assert {status for _, _, status, _ in answers} == {422}


def test_the_lanes_fail_by_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    total = Outcome(passed=3)
    compare_with_the_document(tmp_path, total)
    assert (total.passed, total.failed, len(total.faults)) == (3, 1, 1)
    assert "documented statuses: GET api/v1/" in capsys.readouterr().out


def test_the_program_names_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 1
    assert "GET api/v1/users/me: no test has seen it succeed\n" in capsys.readouterr().out
    assert main([]) == 2
