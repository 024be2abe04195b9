"""Start-up: from exec to the first 200 of `/health`, and the CPU that importing takes."""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure
from stoa.platform.testing.servers import served

_STOA = "import stoa.project.wsgi"
_DJANGO = (
    "import django.conf; django.conf.settings.configure(SECRET_KEY='x', INSTALLED_APPS=['django.contrib.admin',"
    "'django.contrib.auth','django.contrib.contenttypes','django.contrib.sessions','django.contrib.messages',"
    "'rest_framework']); import django; django.setup()"
)


def measure(*, rounds: int) -> list[Figure]:
    serving, ours, bare, peer = [], [], [], []
    for _ in range(rounds):
        serving.append(_first_200_s())
        ours.append(_cpu_s(_STOA))
        bare.append(_cpu_s("pass"))
        peer.append(_cpu_s(_DJANGO))
    return [
        Figure("web process: exec to the first 200 of `/health`", statistics.median(serving), "s"),
        Figure(
            "importing the whole web application, CPU",
            statistics.median(ours),
            "s",
            f"bare Python {statistics.median(bare):.2f}, Django + admin + DRF {statistics.median(peer):.2f}",
        ),
    ]


def _first_200_s() -> float:
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        with served(folder=Path(folder), environ={}):
            return time.perf_counter() - start


def _cpu_s(statement: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
