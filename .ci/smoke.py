"""Start what `make run` starts, in a scratch clone and on a free port; ask it; stop it with Ctrl-C. Exit status says."""

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
READY_WITHIN_S = 30
STOPPED_WITHIN_S = 5


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="stoa_smoke_") as folder:
        clone = Path(folder, "clone")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        # The clone first on the path: the environment's own stoa is the checkout it was installed from.
        environ = {**os.environ, "PORT": str(port), "PYTHONPATH": str(clone)}
        with Path(folder, "run.log").open("w+b") as log:
            server = subprocess.Popen(
                [sys.executable, "run.py"], cwd=clone, env=environ, stdout=log, stderr=log, start_new_session=True
            )
            fault = _tried(server, f"http://127.0.0.1:{port}")
            if fault:
                log.seek(0)
                sys.stderr.write(log.read().decode(errors="replace"))
        print(f"run smoke on Python {sys.version.split()[0]}: {fault or 'ok'}")
        return 1 if fault else 0


def _tried(server: "subprocess.Popen[bytes]", base: str) -> str:
    """What went wrong; empty when nothing did."""
    started = time.monotonic()
    try:
        while _status(f"{base}/health") != 200:
            if server.poll() is not None:
                return f"ended with status {server.returncode}"
            if time.monotonic() - started > READY_WITHIN_S:
                return f"no 200 on /health within {READY_WITHIN_S} s"
            time.sleep(0.1)
        print(f"first 200 after {time.monotonic() - started:.1f} s")
        for path in ("/health/ready", "/api/v1/system/health"):
            if (status := _status(f"{base}{path}")) != 200:
                return f"{path} answered {status}"
        server.send_signal(signal.SIGINT)
        server.wait(STOPPED_WITHIN_S)
        return "" if server.returncode == 0 else f"ended with status {server.returncode} after Ctrl-C"
    except subprocess.TimeoutExpired:
        return f"still running {STOPPED_WITHIN_S} s after Ctrl-C"
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()


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
