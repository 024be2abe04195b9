"""Make `.venv` ready: a private uv, an interpreter, the locked dependencies. Standard library only, Python 3.8 or newer.

    python3 scripts/bootstrap.py [--compile] [--hooks]

The second call returns at once while uv.lock, pyproject.toml and the wish for an interpreter are unchanged.
STOA_PYTHON (or UV_PYTHON) names an interpreter by path or version; UV_PROJECT_ENVIRONMENT another folder than `.venv`.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator

ROOT = Path(__file__).resolve().parent.parent
UV_HOME = ROOT / ".uv"
UV_REQUIREMENT = "uv>=0.9,<0.14"
WANTED = ("3.13", "3.12")
# A pyenv build without libsqlite3 or OpenSSL headers runs, and fails only much later: such an interpreter is passed over.
PROBE = (
    "import sys, sqlite3, ssl, ctypes\n"
    "free_threaded = not getattr(sys, '_is_gil_enabled', lambda: True)()\n"
    "print(*sys.version_info[:2], sep='.')\n"
    "print('' if free_threaded or sys.prefix != sys.base_prefix else sys.executable)\n"
)


class Refusal(Exception):
    """One line for the person at the terminal."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Make .venv ready.")
    parser.add_argument("--compile", action="store_true", help="compile bytecode now instead of at the first import")
    parser.add_argument("--hooks", action="store_true", help="install the git hooks, inside a git checkout")
    options = parser.parse_args()
    try:
        install(compile_bytecode=options.compile)
        if options.hooks:
            install_hooks()
    except Refusal as refusal:
        print(f"stoa: {refusal}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stoa: installation interrupted; run it again to go on", file=sys.stderr)
        return 130
    return 0


def install(compile_bytecode: bool) -> None:
    environment = project_environment()
    stamp = environment / ".stoa-installed"
    wish = wished_interpreter()
    state = fingerprint(wish)
    if (environment / "bin" / "python").exists() and read(stamp) == state:
        return
    require_writable(ROOT)
    uv = private_uv()
    interpreter = find_interpreter(wish)
    print(
        f"stoa: installing the locked dependencies into {environment.name} ({interpreter or 'Python by uv'})",
        flush=True,
    )
    sync(uv, interpreter, wish, environment, compile_bytecode)
    stamp.write_text(state)


def project_environment() -> Path:
    return ROOT / os.environ.get("UV_PROJECT_ENVIRONMENT", ".venv")


def wished_interpreter() -> str:
    return os.environ.get("STOA_PYTHON") or os.environ.get("UV_PYTHON") or ""


def fingerprint(wish: str) -> str:
    digest = hashlib.sha256(f"{wish}\n{ROOT}\n".encode())
    for name in ("uv.lock", "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def require_writable(folder: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=str(folder)):
            pass
    except OSError as error:
        raise Refusal(f"cannot write to {folder} ({error.strerror}); installing needs write permission there") from None


# --- uv -----------------------------------------------------------------------------------------------------------


def private_uv() -> Path:
    """uv from the package index in a venv of its own; built beside its final place, so that half a one is never used."""
    uv = UV_HOME / "bin" / "uv"
    if uv.exists():
        return uv
    print("stoa: installing uv into .uv", flush=True)
    building = Path(tempfile.mkdtemp(prefix=".uv-", dir=str(ROOT)))
    try:
        run([sys.executable, "-m", "venv", "--without-pip", str(building)], "a private environment could not be made")
        install_uv(building / "bin" / "python")
        if not (building / "bin" / "uv").exists():
            raise Refusal("the package index gave a uv without its program; set up uv by hand and run it again")
        if UV_HOME.exists() and not uv.exists():
            shutil.rmtree(str(UV_HOME))
        try:
            building.rename(UV_HOME)
        except OSError:
            if not uv.exists():
                raise
    except OSError as error:
        raise Refusal(f"uv could not be put into {UV_HOME} ({error.strerror})") from None
    finally:
        shutil.rmtree(str(building), ignore_errors=True)
    return uv


def install_uv(python: Path) -> None:
    """With the pip of whatever runs this (about 2 s); without one, with the pip that ships inside Python (about 5 s)."""
    arguments = ["install", "--quiet", "--no-compile", "--no-input", "--disable-pip-version-check", UV_REQUIREMENT]
    failed = "uv could not be installed from the package index"
    if (
        subprocess.run(
            [sys.executable, "-m", "pip", "--python", str(python), "--version"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ).returncode
        == 0
    ):
        run([sys.executable, "-m", "pip", "--python", str(python), *arguments], failed)
        return
    hint = "this Python has neither pip nor ensurepip (on Debian and Ubuntu: apt install python3-venv)"
    run([str(python), "-m", "ensurepip", "--default-pip"], hint)
    run([str(python), "-m", "pip", *arguments], failed)


def run(command: list[str], failure: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    if done.returncode != 0:
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR:")] or lines or [f"exit code {done.returncode}"]
        raise Refusal(f"{failure}: {errors[-1]}")


def sync(uv: Path, interpreter: str | None, wish: str, environment: Path, compile_bytecode: bool) -> None:
    """uv speaks for itself when it fails; one line of ours says what that means."""
    command = [str(uv), "sync", "--locked", "--extra", "dev", "--python", interpreter or wish or WANTED[0]]
    if compile_bytecode:
        command.append("--compile-bytecode")
    if not sys.stderr.isatty():
        command.append("--quiet")
    settings = dict(os.environ, UV_PROJECT_ENVIRONMENT=str(environment))
    settings["UV_PYTHON_DOWNLOADS"] = "never" if interpreter else "automatic"
    # Read by uv instead of the folder's own `.venv` otherwise, or against --python.
    for name in ("VIRTUAL_ENV", "UV_PYTHON"):
        settings.pop(name, None)
    if subprocess.run(command, cwd=str(ROOT), env=settings).returncode != 0:
        cause = (
            "see uv's message above" if interpreter else f"no Python {' or '.join(WANTED)} found; uv's message is above"
        )
        raise Refusal(f"the dependencies could not be installed: {cause}")


# --- the interpreter ----------------------------------------------------------------------------------------------


def find_interpreter(wish: str) -> str | None:
    """An absolute path, or None when only uv can help. pyenv's own folders first: its shims stop uv's search."""
    if wish and not re.match(r"^3\.\d+$", wish):
        path = shutil.which(wish)
        found = path and probe(path, WANTED)
        if not found:
            raise Refusal(f"STOA_PYTHON={wish} is not a usable Python {' or '.join(WANTED)}")
        return found
    versions = (wish,) if wish else WANTED
    for candidate in candidates(versions):
        found = probe(candidate, versions)
        if found:
            return found
    return None


def candidates(versions: tuple[str, ...]) -> Iterator[str]:
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for version in versions:
        builds = [path.parent.parent for path in pyenv.glob(f"*/bin/python{version}")]
        for build in sorted(builds, key=lambda path: numbers(path.name), reverse=True):
            yield str(build / "bin" / f"python{version}")
    for name in [f"python{version}" for version in versions] + ["python3"]:
        for folder in os.get_exec_path():
            path = Path(folder) / name
            if path.is_file():
                yield str(path)


def numbers(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]


def probe(path: str, versions: tuple[str, ...]) -> str | None:
    """The real executable behind a path, when it is one of the versions, no virtual environment, and complete."""
    try:
        done = subprocess.run([path, "-c", PROBE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    lines = done.stdout.decode(errors="replace").splitlines()
    if done.returncode != 0 or len(lines) != 2 or lines[0] not in versions:
        return None
    return lines[1] or None


# --- git hooks ----------------------------------------------------------------------------------------------------


def install_hooks() -> None:
    """Nothing outside a git checkout; a hooks folder of the user's own is left alone."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        return
    command = [str(project_environment() / "bin" / "pre-commit"), "install"]
    done = subprocess.run(command, cwd=str(ROOT), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        lines = done.stdout.decode(errors="replace").strip().splitlines()
        print(f"stoa: git hooks not installed: {lines[-1] if lines else 'pre-commit failed'}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
