"""The supervisor with stand-in children: real processes, real signals."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import stoa

ROOT = Path(stoa.__file__).parents[1]
SUPERVISE = """
import sys
from stoa.project.supervisor import Program, Supervisor
script, grace_s, healthy_s = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
programs = [Program(name, (sys.executable, script, name)) for name in ("one", "two")]
supervisor = Supervisor(programs, lambda line: print(line, flush=True), grace_s=grace_s, healthy_after_s=healthy_s)
sys.exit(supervisor.run(on_ready=lambda: print("ready", flush=True)))
"""


class Family:
    """A supervisor in a process of its own, and the pid files that its children leave in `folder`."""

    def __init__(self, folder: Path, child: str, *, grace_s: float = 2.0, healthy_s: float = 30.0) -> None:
        self.folder = folder
        (folder / "child.py").write_text(
            textwrap.dedent(f"""
            import os, pathlib, signal, sys, time
            from stoa.project.supervisor import watch_parent
            name = sys.argv[1]
            pathlib.Path({str(folder)!r}, f"{{name}}-{{os.getpid()}}").touch()
            """)
            + textwrap.dedent(child)
        )
        self.log = (folder / "log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISE, str(folder / "child.py"), str(grace_s), str(healthy_s)],
            env={"PYTHONPATH": str(ROOT)},
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def pids(self, name: str = "") -> list[int]:
        found = [path for path in self.folder.glob("*-*") if path.name.startswith(name)]
        return [int(path.name.partition("-")[2]) for path in sorted(found, key=lambda path: path.stat().st_mtime_ns)]

    def living(self) -> list[int]:
        return [pid for pid in self.pids() if _lives(pid)]

    def lines(self) -> list[str]:
        return (self.folder / "log").read_text().splitlines()

    def end(self) -> None:
        for pid in [self.process.pid, *self.pids()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()


def _lives(pid: int) -> bool:
    """A zombie is dead; it only waits to be counted."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


def wait_for(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Callable[..., Family]]:
    started: list[Family] = []

    def start(child: str = "time.sleep(60)", *, grace_s: float = 2.0, healthy_s: float = 30.0) -> Family:
        started.append(Family(tmp_path, child, grace_s=grace_s, healthy_s=healthy_s))
        return started[-1]

    yield start
    for each in started:
        each.end()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_to_the_group_stops_all_with_zero(family: Callable[..., Family], number: signal.Signals) -> None:
    running = family()
    wait_for(lambda: len(running.living()) == 2)
    began = time.monotonic()
    os.killpg(running.process.pid, number)
    assert running.process.wait(5) == 0
    assert time.monotonic() - began < 2
    assert running.living() == []
    assert running.lines() == ["ready", "stopping"]


def test_child_that_ignores_the_request_is_killed_after_the_grace(family: Callable[..., Family]) -> None:
    running = family(
        """
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.fork() and pathlib.Path(__file__).with_name(f"{name}-ready").touch()
        pathlib.Path(__file__).with_name(f"{name}-{os.getpid()}").touch()
        time.sleep(60)
        """,
        grace_s=0.5,
    )
    wait_for(lambda: all((running.folder / f"{name}-ready").exists() for name in ("one", "two")))
    (running.folder / "one-ready").unlink()
    (running.folder / "two-ready").unlink()
    wait_for(lambda: len(running.living()) == 4)
    began = time.monotonic()
    running.process.terminate()
    assert running.process.wait(5) == 0
    assert 0.5 <= time.monotonic() - began < 2
    assert running.living() == []


def test_second_signal_does_not_wait_for_the_grace(family: Callable[..., Family]) -> None:
    running = family("signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)", grace_s=30)
    wait_for(lambda: len(running.living()) == 2)
    time.sleep(0.3)
    running.process.send_signal(signal.SIGINT)
    wait_for(lambda: "stopping" in running.lines())
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(5) == 0
    assert running.living() == []


def test_dead_child_is_started_again_and_one_line_says_so(family: Callable[..., Family]) -> None:
    running = family()
    wait_for(lambda: len(running.living()) == 2)
    (first,) = running.pids("one")
    (other,) = running.pids("two")
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: len(running.pids("one")) == 2)
    assert running.lines() == ["ready", "one ended (signal SIGKILL); starting it again in 0.5 s"]
    assert other in running.living()


def test_family_of_a_dead_child_is_ended_before_the_next_start(family: Callable[..., Family]) -> None:
    running = family(
        """
        if not os.fork():
            pathlib.Path(__file__).with_name(f"{name}-{os.getpid()}").touch()
        time.sleep(60)
        """
    )
    wait_for(lambda: len(running.living()) == 4)
    leader = min(running.pids("one"))
    os.kill(leader, signal.SIGKILL)
    wait_for(lambda: len(running.pids("one")) == 4)
    assert len([pid for pid in running.pids("one") if _lives(pid)]) == 2


def test_pauses_double_while_a_child_keeps_dying(family: Callable[..., Family]) -> None:
    running = family("sys.exit(3) if name == 'one' else time.sleep(60)")
    wait_for(lambda: len(running.lines()) >= 4)
    assert running.lines()[-3:] == [
        "one ended (exit code 3); starting it again in 0.5 s",
        "one ended (exit code 3); starting it again in 1 s",
        "one ended (exit code 3); starting it again in 2 s",
    ]


def test_pause_is_short_again_after_a_healthy_time(family: Callable[..., Family]) -> None:
    running = family("time.sleep(0.4 if name == 'one' else 60)", healthy_s=0.3)
    wait_for(lambda: len(running.lines()) >= 4)
    assert running.lines()[1:4] == ["one ended (exit code 0); starting it again in 0.5 s"] * 3


def test_children_that_watch_do_not_outlive_a_killed_supervisor(family: Callable[..., Family]) -> None:
    running = family("watch_parent(os.getppid(), every_s=0.1)\ntime.sleep(60)")
    wait_for(lambda: len(running.living()) == 2)
    time.sleep(0.3)
    running.process.kill()
    running.process.wait()
    wait_for(lambda: running.living() == [], within_s=2)


def test_watching_child_that_ignores_the_request_leaves_anyway(family: Callable[..., Family]) -> None:
    running = family(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "watch_parent(os.getppid(), grace_s=0.3, every_s=0.1)\ntime.sleep(60)"
    )
    wait_for(lambda: len(running.living()) == 2)
    time.sleep(0.3)
    running.process.kill()
    running.process.wait()
    wait_for(lambda: running.living() == [], within_s=2)
