"""What the architecture tests share, and the line on sizes at the end of their report."""

from pathlib import Path

import pytest

from architecture.file_rules import size_report
from architecture.scratch import ROOT, Scratch


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    """One copy for the tests of a file."""
    return Scratch.copy(tmp_path_factory.mktemp("scratch"))


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"sizes of stoa: {size_report(ROOT)}")
