"""Start Stoa in a scratch clone and on a free port; ask it; stop it with Ctrl-C. Exit status says.

Without arguments it starts run.py with the Python at hand. `--make` is what a new user does: `make run` in a clean clone,
which installs first, with what the package cache holds; the first 200 of /health must come within 45 s (20 are the aim)."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STOPPED_WITHIN_S = 5
READY_WITHIN_S = 45


def main() -> int:
    as_new_user = "--make" in sys.argv
    with tempfile.TemporaryDirectory(prefix="stoa_smoke_") as folder:
        clone = Path(folder, "clone")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environ, command = {**os.environ, "PORT": str(port)}, ["make", "run"]
        for service in ("DATABASE_URL", "REDIS_URL"):  # those of the lanes; here there is nothing but SQLite
            environ.pop(service, None)
        if not as_new_user:
            # The clone first on the path: the environment's own stoa is the checkout it was installed from.
            environ, command = {**environ, "PYTHONPATH": str(clone)}, [sys.executable, "run.py"]
        with Path(folder, "run.log").open("w+b") as log:
            server = subprocess.Popen(command, cwd=clone, env=environ, stdout=log, stderr=log, start_new_session=True)
            fault = _tried(server, f"http://127.0.0.1:{port}", READY_WITHIN_S)
            if fault:
                log.seek(0)
                sys.stderr.write(log.read().decode(errors="replace"))
        print(
            f"{' '.join(command[-2:] if as_new_user else ['run smoke on Python', sys.version.split()[0]])}: {fault or 'ok'}"
        )
        return 1 if fault else 0


def _tried(server: "subprocess.Popen[bytes]", base: str, ready_within_s: int) -> str:
    """What went wrong; empty when nothing did. Ctrl-C goes to the whole group, as a terminal sends it."""
    started = time.monotonic()
    try:
        while _status(f"{base}/health") != 200:
            if server.poll() is not None:
                return f"ended with status {server.returncode}"
            if time.monotonic() - started > ready_within_s:
                return f"no 200 on /health within {ready_within_s} s"
            time.sleep(0.1)
        print(f"first 200 after {time.monotonic() - started:.1f} s (limit {ready_within_s} s)")
        for path in ("/health/ready", "/api/v1/system/health"):
            if (status := _status(f"{base}{path}")) != 200:
                return f"{path} answered {status}"
        os.killpg(server.pid, signal.SIGINT)
        server.wait(STOPPED_WITHIN_S)
        if server.returncode not in {0, -signal.SIGINT}:  # make itself ends by the signal
            return f"ended with status {server.returncode} after Ctrl-C"
        return "left processes running after Ctrl-C" if _group_lives(server.pid) else ""
    except subprocess.TimeoutExpired:
        return f"still running {STOPPED_WITHIN_S} s after Ctrl-C"
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _group_lives(group: int) -> bool:
    """make does not wait for its child after a signal, so whatever is left gets the rest of the time."""
    until = time.monotonic() + STOPPED_WITHIN_S
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.1)
    os.killpg(group, signal.SIGKILL)
    return True


def _status(url: str) -> int:
    """0 when nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            json.load(response)
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, ValueError):
        return 0


if __name__ == "__main__":
    sys.exit(main())
