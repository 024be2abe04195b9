"""The bootstrap in a scratch folder: a stand-in for uv writes down how it was called. The real one: test_run_byhand."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import stoa

ROOT = Path(stoa.__file__).parents[1]
UV = """#!/bin/sh
echo "$@" >> {folder}/calls
echo "downloads=$UV_PYTHON_DOWNLOADS" >> {folder}/calls
mkdir -p "$UV_PROJECT_ENVIRONMENT/bin" && touch "$UV_PROJECT_ENVIRONMENT/bin/python"
"""


class Scratch:
    """A checkout with nothing but what the bootstrap reads. Its PATH holds what a POSIX system has, and no Python."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "scripts").mkdir(parents=True)
        for name in ("bootstrap.py", "bootstrap.sh"):
            shutil.copy(ROOT / "scripts" / name, folder / "scripts" / name)
        (folder / "pyproject.toml").write_text("[project]\n")
        (folder / "uv.lock").write_text("version = 1\n")
        self.bin = folder / "path"
        self.bin.mkdir()
        for name in ("sh", "dirname", "mkdir", "touch"):
            (self.bin / name).symlink_to(Path(shutil.which(name) or "").resolve())
        self.pyenv = folder / "pyenv"

    def program(self, path: Path, text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def python(self, path: Path, version: str, *, says: str | None = None) -> Path:
        """A stand-in interpreter: answers the probe as that version would, under its own path."""
        return self.program(path, f"#!/bin/sh\necho {version}\necho {says if says is not None else path}\n")

    def with_uv(self) -> "Scratch":
        self.program(self.folder / ".uv" / "bin" / "uv", UV.format(folder=f'"{self.folder}"'))
        return self

    def bootstrap(self, *options: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        return self._call([sys.executable, "scripts/bootstrap.py", *options], environ)

    def bootstrap_sh(self, **environ: str) -> "subprocess.CompletedProcess[str]":
        return self._call([str(self.bin / "sh"), "scripts/bootstrap.sh"], environ)

    def _call(self, command: list[str], environ: dict[str, str]) -> "subprocess.CompletedProcess[str]":
        base = {"PATH": str(self.bin), "PYENV_ROOT": str(self.pyenv), "HOME": str(self.folder)}
        return subprocess.run(command, cwd=self.folder, env=base | environ, capture_output=True, text=True, timeout=60)

    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    return Scratch(tmp_path / "a checkout").with_uv()


def test_interpreter_of_pyenv_comes_before_the_path(scratch: Scratch) -> None:
    scratch.python(scratch.bin / "python3.13", "3.13")
    scratch.python(scratch.pyenv / "versions/3.13.9/bin/python3.13", "3.13")
    newest = scratch.python(scratch.pyenv / "versions/3.13.10/bin/python3.13", "3.13", says="/pyenv/3.13.10")
    assert newest.exists()
    done = scratch.bootstrap()
    assert (done.returncode, done.stderr) == (0, "")
    assert scratch.calls() == ["sync --locked --extra dev --python /pyenv/3.13.10 --quiet", "downloads=never"]


def test_older_version_serves_when_the_newer_is_a_shim_for_nothing(scratch: Scratch) -> None:
    scratch.program(
        scratch.bin / "python3.13", "#!/bin/sh\necho 'pyenv: python3.13: command not found' >&2\nexit 127\n"
    )
    scratch.python(scratch.bin / "python3.12", "3.12", says="/opt/3.12")
    assert scratch.bootstrap().returncode == 0
    assert scratch.calls() == ["sync --locked --extra dev --python /opt/3.12 --quiet", "downloads=never"]


def test_interpreter_inside_a_virtual_environment_is_passed_over(scratch: Scratch) -> None:
    scratch.python(scratch.pyenv / "versions/mine/bin/python3.13", "3.13", says="''")
    scratch.python(scratch.bin / "python3", "3.13", says="/usr/bin/python3")
    assert scratch.bootstrap().returncode == 0
    assert scratch.calls()[0] == "sync --locked --extra dev --python /usr/bin/python3 --quiet"


def test_only_without_any_interpreter_uv_downloads_one(scratch: Scratch) -> None:
    scratch.python(scratch.bin / "python3", "3.11")
    assert scratch.bootstrap().returncode == 0
    assert scratch.calls() == ["sync --locked --extra dev --python 3.13 --quiet", "downloads=automatic"]


def test_named_interpreter_wins(scratch: Scratch) -> None:
    scratch.python(scratch.bin / "python3.13", "3.13")
    old = scratch.python(scratch.folder / "elsewhere/python", "3.12", says="/elsewhere")
    assert scratch.bootstrap(STOA_PYTHON=str(old)).returncode == 0
    assert scratch.calls()[0] == "sync --locked --extra dev --python /elsewhere --quiet"


def test_named_version_wins(scratch: Scratch) -> None:
    scratch.python(scratch.bin / "python3.13", "3.13")
    scratch.python(scratch.bin / "python3.12", "3.12", says="/opt/3.12")
    assert scratch.bootstrap(STOA_PYTHON="3.12").returncode == 0
    assert scratch.calls()[0] == "sync --locked --extra dev --python /opt/3.12 --quiet"


def test_named_interpreter_that_is_none_is_one_line(scratch: Scratch) -> None:
    done = scratch.bootstrap(STOA_PYTHON="/nowhere/python")
    assert done.returncode == 1
    assert done.stderr == "stoa: STOA_PYTHON=/nowhere/python is not a usable Python 3.13 or 3.12\n"
    assert scratch.calls() == []


def test_second_call_is_instant_and_asks_nobody(scratch: Scratch) -> None:
    scratch.python(scratch.bin / "python3.13", "3.13")
    assert scratch.bootstrap().returncode == 0
    first = scratch.calls()
    took = []
    for _ in range(3):
        began = time.monotonic()
        done = scratch.bootstrap()
        took.append(time.monotonic() - began)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    # The best of three: the machine may have other work.
    assert min(took) < 0.3
    assert scratch.calls() == first


@pytest.mark.parametrize("name", ["uv.lock", "pyproject.toml"])
def test_changed_lock_or_project_is_installed(scratch: Scratch, name: str) -> None:
    scratch.python(scratch.bin / "python3.13", "3.13")
    scratch.bootstrap()
    (scratch.folder / name).write_text("changed")
    scratch.bootstrap()
    assert len(scratch.calls()) == 4


def test_environment_whose_python_is_gone_is_installed_again(scratch: Scratch) -> None:
    scratch.python(scratch.bin / "python3.13", "3.13")
    scratch.bootstrap()
    (scratch.folder / ".venv/bin/python").unlink()
    scratch.bootstrap()
    assert len(scratch.calls()) == 4


def test_another_environment_has_its_own_stamp(scratch: Scratch) -> None:
    scratch.python(scratch.bin / "python3.13", "3.13")
    scratch.bootstrap()
    scratch.bootstrap(UV_PROJECT_ENVIRONMENT=".venv-312")
    assert len(scratch.calls()) == 4
    assert (scratch.folder / ".venv-312/bin/python").exists()


def test_failing_uv_is_one_line_and_leaves_no_stamp(scratch: Scratch) -> None:
    scratch.python(scratch.bin / "python3.13", "3.13")
    scratch.program(scratch.folder / ".uv/bin/uv", "#!/bin/sh\necho 'error: no such wheel' >&2\nexit 2\n")
    done = scratch.bootstrap()
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: no such wheel",
        "stoa: the dependencies could not be installed: see uv's message above",
    ]
    assert scratch.bootstrap().returncode == 1


def test_unreachable_index_is_one_line_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path)
    done = scratch.bootstrap(PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="0", PIP_CONFIG_FILE=os.devnull)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("stoa: uv could not be installed from the package index: ERROR: ")
    assert not list(tmp_path.glob(".uv*"))


def test_without_any_python_one_line_says_so(scratch: Scratch) -> None:
    done = scratch.bootstrap_sh()
    assert done.returncode == 1
    assert (
        done.stderr
        == "stoa: no Python found; install Python 3.13 (any python3 from 3.8 on can start the installation)\n"
    )


def test_python_that_is_too_old_is_passed_over(scratch: Scratch) -> None:
    scratch.program(scratch.bin / "python3", "#!/bin/sh\nexit 1\n")
    later = scratch.folder / "later"
    scratch.program(later / "python3", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    scratch.python(scratch.pyenv / "versions/3.12.1/bin/python3.12", "3.12", says="/pyenv/3.12.1")
    done = scratch.bootstrap_sh(PATH=f"{scratch.bin}:{later}")
    assert (done.returncode, done.stderr) == (0, "")
    assert scratch.calls()[0] == "sync --locked --extra dev --python /pyenv/3.12.1 --quiet"


def test_folder_that_cannot_be_written_is_one_line(scratch: Scratch) -> None:
    folder = scratch.folder
    folder.chmod(0o555)
    command = [sys.executable, "scripts/bootstrap.py"]
    if os.geteuid() == 0:
        command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *command]
        folder.chmod(0o555)
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    try:
        done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60)
    finally:
        folder.chmod(0o755)
    assert done.returncode == 1
    assert done.stderr == (
        f"stoa: cannot write to {folder} (Permission denied); installing needs write permission there\n"
    )
    assert scratch.calls() == []
