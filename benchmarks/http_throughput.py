"""Requests a second of one web process: Stoa, the raw limit and the peer, interleaved, medians of the rounds."""

import contextlib
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.load import Load, load
from benchmarks.scratch import scratch
from stoa.platform.testing.servers import Server, served

STOA = "stoa.project.wsgi:application"
_OPTIONS = ("--workers", "1", "--blocking-threads", "32")


def measure(*, seconds: int, rounds: int) -> list[Figure]:
    with scratch() as data, contextlib.ExitStack() as stack:
        environ = {"DATABASE_URL": data.url, "ENABLE_CONSOLE_LOGGING": "true", "ENABLE_FILE_LOGGING": "false"}
        stoa = stack.enter_context(serving(STOA, environ))
        bare = stack.enter_context(serving("benchmarks.peers:bare", environ, "/"))
        plain = stack.enter_context(serving("benchmarks.peer_plain:application", environ))
        drf = stack.enter_context(serving("benchmarks.peer_drf:application", environ))
        bearer = {"Authorization": f"Bearer {data.access}"}
        targets = {
            "health": (stoa, "/health", {}),
            "health bare": (bare, "/", {}),
            "health django": (drf, "/health", {}),
            "list": (stoa, "/api/v1/auth/sessions", bearer),
            "list plain": (plain, "/plain", bearer),
            "list drf": (drf, "/drf", bearer),
        }
        runs: dict[str, list[Load]] = {name: [] for name in targets}
        for server, path, headers in targets.values() if rounds > 1 else ():
            load(server.base_url + path, seconds=1, headers=headers)
        for _ in range(rounds):
            for name, (server, path, headers) in targets.items():
                runs[name].append(load(server.base_url + path, seconds=seconds, headers=headers))
    return _figures({name: statistics.median(run.requests_s for run in found) for name, found in runs.items()}, runs)


def _figures(rate: Mapping[str, float], runs: Mapping[str, list[Load]]) -> list[Figure]:
    to_plain, to_drf = rate["list"] / rate["list plain"], rate["list"] / rate["list drf"]
    p99 = statistics.median(run.p99_ms for run in runs["health"])
    return [
        Figure(
            "`GET /health`, one process",
            rate["health"],
            "req/s",
            f"bare WSGI {rate['health bare']:,.0f}, Django's JsonResponse {rate['health django']:,.0f}; p99 {p99:.1f} ms",
        ),
        Figure(
            "authenticated one-query list of 20, one process",
            rate["list"],
            "req/s",
            f"same SQL by cursor {rate['list plain']:,.0f}, DRF ModelSerializer {rate['list drf']:,.0f}",
        ),
        Figure("the list against a plain view with the same SQL", to_plain, "x", "", ">= 0.35", to_plain >= 0.35),
        Figure("the list against DRF ModelSerializer", to_drf, "x", "", ">= 2.5", to_drf >= 2.5),
    ]


@contextlib.contextmanager
def serving(application: str, environ: Mapping[str, str], ready_path: str = "/health") -> Iterator[Server]:
    """One process of it, as the benchmarks ask it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        served(
            folder=Path(folder), environ=environ, application=application, options=_OPTIONS, ready_path=ready_path
        ) as server,
    ):
        yield server
