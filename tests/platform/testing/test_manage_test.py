"""`manage.py test`: labels become what pytest understands, and a run that proves nothing fails."""

import subprocess
import sys
from pathlib import Path

import pytest

from stoa.platform.testing.runner import ROOT, PytestRunner, UnknownLabel, target

HERE = "tests.platform.testing.test_manage_test"


def test_an_app_label_alone_is_its_folder() -> None:
    assert target("accounts") == str(ROOT / "stoa/apps/accounts")
    assert target("stoa.apps.accounts") == str(ROOT / "stoa/apps/accounts")


def test_a_dotted_name_is_a_file_a_class_or_a_function_of_it() -> None:
    file = str(ROOT / "tests/platform/testing/test_manage_test.py")
    assert target(HERE) == file
    assert target(f"{HERE}.test_two") == f"{file}::test_two"
    assert target(f"{HERE}.TestClass.test_two") == f"{file}::TestClass::test_two"
    assert target("tests.platform.testing") == str(ROOT / "tests/platform/testing")


def test_a_path_is_taken_as_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "tests")
    assert target("platform/testing") == str(ROOT / "tests/platform/testing")
    assert target("platform/testing/test_manage_test.py::test_x").endswith("/test_manage_test.py::test_x")


@pytest.mark.parametrize("label", ["nosuchapp", "auth", "stoa.apps.nosuch.tests", "tests.nosuch.test_x", "...", ""])
def test_an_unknown_label_is_one_clear_line_and_exit_1(label: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UnknownLabel):
        target(label)
    assert PytestRunner().run_tests([label]) == 1
    assert capsys.readouterr().err == f"{label}: no app, path or module of that name\n"


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({}, []),
        ({"verbosity": 0}, ["-q"]),
        ({"verbosity": 2, "failfast": True}, ["-v", "-x"]),
        ({"verbosity": 3, "k": "sign_in", "interactive": False}, ["-vv", "-k", "sign_in"]),
    ],
)
def test_djangos_options_become_pytests(options: dict[str, object], arguments: list[str]) -> None:
    assert PytestRunner(**options).options == arguments  # type: ignore[arg-type]


def manage_test(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "test", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_manage_py_runs_the_named_test_and_says_so() -> None:
    done = manage_test(f"{HERE}.test_an_app_label_alone_is_its_folder", "-v", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_an_app_label_alone_is_its_folder PASSED" in done.stdout
    assert "1 passed" in done.stdout


def test_a_label_that_collects_nothing_fails_even_beside_one_that_does(tmp_path: Path) -> None:
    done = manage_test(str(tmp_path), f"{HERE}.test_an_app_label_alone_is_its_folder")
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{tmp_path}: no test is collected from it" in done.stdout + done.stderr


def test_an_expression_that_matches_no_test_fails() -> None:
    assert manage_test(HERE, "-k", "no_test_has_this_name").returncode == 1
