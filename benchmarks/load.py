"""Load from wrk, in a process of its own, on keep-alive connections."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class Load:
    requests_s: float
    p50_ms: float
    p99_ms: float


class BadRun(Exception):
    """wrk is missing, or some answers were not 2xx: a figure of refusals is worth nothing."""


def load(url: str, *, seconds: int, connections: int = 8, headers: Mapping[str, str] | None = None) -> Load:
    """Raises BadRun."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise BadRun("wrk is not installed (apt install wrk)")
    command = [wrk, "--latency", "-t1", f"-c{connections}", f"-d{seconds}s"]
    for name, value in (headers or {}).items():
        command += ["-H", f"{name}: {value}"]
    output = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        raise BadRun(output)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if rate is None:
        raise BadRun(output)
    return Load(float(rate[1]), _latency(output, "50%"), _latency(output, "99%"))


def _latency(output: str, percentile: str) -> float:
    found = re.search(rf"{percentile}\s+([\d.]+)(us|ms|s)", output)
    if found is None:
        raise BadRun(output)
    return float(found[1]) * _UNITS[found[2]]
