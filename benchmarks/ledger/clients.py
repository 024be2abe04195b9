"""Processes that post, all at once, round by round; and what they counted."""

import contextlib
import json
import os
import statistics
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from stoa.platform.testing.servers import ROOT


class Client:
    """One process of `module`, which serves rounds. `environ` is all that it knows."""

    def __init__(self, python: str, module: str, environ: dict[str, str]) -> None:
        known = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ}
        command = [python, "-m", module]
        self._process = subprocess.Popen(
            command, env=known, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._module = module

    def hear(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._module} ended with {self._process.wait()}")
        return line.strip()

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@dataclass
class Measured:
    """The rounds of one way in one scene."""

    rates: list[float] = field(default_factory=list)
    p50s: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    posted: int = 0
    """Entries in all, warming up included."""

    @property
    def a_second(self) -> float:
        return statistics.median(self.rates)

    @property
    def p50_ms(self) -> float:
        return statistics.median(self.p50s)

    @property
    def p99_ms(self) -> float:
        return statistics.median(self.p99s)


Found = dict[tuple[str, str], Measured]
"""By way and scene."""


@contextlib.contextmanager
def clients(count: int, python: str, module: str, **environ: str) -> Iterator[list[Client]]:
    started: list[Client] = []
    try:
        for number in range(count):
            started.append(Client(python, module, {**environ, "BENCH_CLIENT": str(number)}))
        for each in started:
            each.hear()
        yield started
    finally:
        for each in started:
            each.end()


def play(
    measured: Measured, asked: Sequence[Client], *, way: str, scene: str, seconds: float, entries: int = 1
) -> None:
    """One round, in which each of these clients posts for so long."""
    for each in asked:
        round_ = {"way": way, "scene": scene, "seconds": seconds, "entries": entries, "clients": len(asked)}
        each.say(json.dumps(round_))
    for each in asked:
        each.hear()
    for each in asked:
        each.say("go")
    told = [json.loads(each.hear()) for each in asked]
    took = sorted(ms for each in told for ms in each["ms"])
    measured.rates.append(sum(each["done"] / each["seconds"] for each in told))
    measured.p50s.append(took[len(took) // 2])
    measured.p99s.append(took[int(len(took) * 0.99)])
    measured.posted += sum(each["done"] + each["warmed"] for each in told)
    for each in told:
        measured.failed.update(each["failed"])
