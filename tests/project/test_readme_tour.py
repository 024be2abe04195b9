"""README's tour, run as it stands there against what `make run` starts."""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project.checkout import ROOT, Checkout, wait_for
from tests.project.readme_tour import agrees, section, steps

MARK = "-- end of a step --"
README = (ROOT / "README.md").read_text()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Checkout]:
    made = Checkout(tmp_path / "a checkout")
    _shim(made.folder / ".venv/bin/stoa", f'exec "{sys.executable}" -m stoa.project.cli "$@"')
    made.python("run.py")
    try:
        wait_for(lambda: "Stoa is up." in made.output())
        yield made
    finally:
        made.end()


def _shim(path: Path, line: str) -> None:
    """What an installation would put there, for the copy's own sources."""
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_the_tour_prints_what_readme_shows(running: Checkout) -> None:
    tour = steps(section(README, "## Tour"))
    assert len(tour) == 9
    assert all(step.printed for step in tour)
    commands = f'\necho "{MARK}"\n'.join(step.commands for step in tour).replace(":8000", f":{running.port}")
    done = running.call("bash", "-c", f"set -eo pipefail\n{commands}", PATH=os.environ["PATH"])
    printed = done.stdout.split(f"{MARK}\n")
    for step, output in zip(tour, printed, strict=False):
        assert agrees(output, step.printed), f"{step.commands}\nprinted\n{output}\ninstead of\n{step.printed}"
    assert (done.returncode, done.stderr, len(printed)) == (0, "", len(tour))


def test_what_differs_is_noticed() -> None:
    assert agrees('etag: "1"\n200\n', 'etag: "..."\n200\n')
    assert not agrees('etag: "1"\n412\n', 'etag: "..."\n200\n')
    assert not agrees('etag: "1"\n200\nmore\n', 'etag: "..."\n200\n')
    assert not agrees("", "200")
