"""The documented ways to start, each in a folder and an environment of its own. They install from the package index.

Their lane: `.venv/bin/python scripts/test_lanes.py --lane byhand`."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.project.checkout import ROOT, Checkout, wait_for

pytestmark = pytest.mark.byhand

INDEX = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_CERT", "UV_INDEX_URL", "UV_DEFAULT_INDEX")
MACHINE = (*INDEX, "UV_CACHE_DIR", "PYENV_ROOT", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_FILE", "HOME")


class Copy(Checkout):
    """A git checkout with everything a clone has, and what of the machine an installation needs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        for name in ("Makefile", "requirements.txt", "requirements-test.txt", ".pre-commit-config.yaml", ".gitignore"):
            shutil.copy2(ROOT / name, folder / name)
        subprocess.run(["git", "init", "-q", str(folder)], check=True)

    def environ(self, **more: str) -> dict[str, str]:
        machine = {name: os.environ[name] for name in MACHINE if name in os.environ}
        return super().environ() | machine | {"PIP_NO_COMPILE": "1"} | more

    def expect(self, *command: str, **environ: str) -> str:
        done = self.call(*command, timeout_s=300, **environ)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    made = Copy(tmp_path / "a checkout")
    yield made
    made.end()


def serve_by_hand(copy: Copy, python: str) -> None:
    """The three commands of README, on the example file as it is."""
    copy.expect("cp", ".env.example", ".env")
    copy.expect(python, "manage.py", "migrate")
    server = copy.start(python, "manage.py", "runserver", f"0.0.0.0:{copy.port}")
    wait_for(copy.answers)
    headers = httpx.get(f"{copy.base}/health").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Request-ID"]
    os.killpg(server.pid, signal.SIGINT)
    server.wait(10)


WAYS = {"extra": ("-e", ".[dev]"), "files": ("-r", "requirements.txt", "-r", "requirements-test.txt")}


@pytest.fixture(scope="module")
def by_pip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Copy]]:
    """Both ways to install with pip, side by side: each takes most of a minute, and waits for the disk."""
    copies = {way: Copy(tmp_path_factory.mktemp(way) / "a checkout") for way in WAYS}
    for copy in copies.values():
        copy.expect(sys.executable, "-m", "venv", "env")
    running = [copies[way].start("env/bin/pip", "install", "-q", *arguments) for way, arguments in WAYS.items()]
    assert [process.wait(300) for process in running] == [0, 0], [copy.output() for copy in copies.values()]
    yield copies
    for copy in copies.values():
        copy.end()


def test_pip_with_the_dev_extra(by_pip: dict[str, Copy]) -> None:
    copy = by_pip["extra"]
    assert copy.expect("env/bin/pip", "check") == "No broken requirements found.\n"
    assert copy.expect("env/bin/stoa", "--version").startswith("stoa 2.")
    serve_by_hand(copy, "env/bin/python")


def test_pip_with_the_requirements_files(by_pip: dict[str, Copy]) -> None:
    copy = by_pip["files"]
    assert copy.expect("env/bin/pip", "check") == "No broken requirements found.\n"
    serve_by_hand(copy, "env/bin/python")


def test_requirements_files_fit_the_lock() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/export_requirements.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_make_install_make_run_and_the_setup_script(copy: Copy) -> None:
    """The two commands of README: what is made, the second call's time, the stop; in a folder with a space."""
    copy.expect("make", "install")
    assert (copy.folder / ".git/hooks/pre-commit").exists()
    assert (copy.folder / ".uv/bin/uv").exists()
    began = time.monotonic()
    assert copy.expect("make", "install") == ""
    assert time.monotonic() - began < 1.5
    process = copy.start("make", "run")
    wait_for(copy.answers)
    os.killpg(process.pid, signal.SIGINT)
    process.wait(6)
    assert copy.family() == []
    # The same without make, over what is there already, and where there is no git to hook into.
    shutil.rmtree(copy.folder / ".git")
    assert "No migrations to apply." in copy.expect("sh", "scripts/setup.sh")
