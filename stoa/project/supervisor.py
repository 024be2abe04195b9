"""Keep a few child processes alive, and leave none behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 10.0
HEALTHY_AFTER_S = 30.0
GRACE_S = 4.0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Program:
    """What a child runs, and the name it has in the supervisor's lines."""

    name: str
    argv: tuple[str, ...]

    @staticmethod
    def stoa(name: str, *arguments: str) -> "Program":
        """A subcommand of this `stoa` that ends with its parent (`watch_parent`)."""
        watch = ("--parent", str(os.getpid()))
        return Program(name, (sys.executable, "-m", "stoa.project.cli", name, *arguments, *watch))


@dataclass(slots=True)
class _Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    started_at_s: float = 0.0
    due_at_s: float = 0.0
    delay_s: float = FIRST_DELAY_S


@dataclass(slots=True)
class Supervisor:
    """Starts the programs, restarts what dies, stops all within GRACE_S plus a moment. One thread, the main one.

    Every child leads a session of its own: a terminal's Ctrl-C reaches the supervisor alone, which then stops each
    child once, and a child's whole family can be killed as a group.
    """

    programs: Sequence[Program]
    say: Callable[[str], None]
    grace_s: float = GRACE_S
    healthy_after_s: float = HEALTHY_AFTER_S
    _children: list[_Child] = field(default_factory=list)
    _wake: threading.Event = field(default_factory=threading.Event)
    _signals: list[int] = field(default_factory=list)

    def run(self, *, ready: Callable[[], bool] = lambda: True, on_ready: Callable[[], None] = lambda: None) -> int:
        """Until SIGINT, SIGTERM or SIGHUP; always 0, because being stopped is how this ends. A second signal kills.

        `ready` is asked every 0.1 s until it first says yes, then `on_ready` runs once."""
        previous = {number: signal.signal(number, self._on_signal) for number in _STOP_SIGNALS}
        previous[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: self._wake.set())
        announced = False
        try:
            self._children = [_Child(program) for program in self.programs]
            while not self._signals:
                self._wake.clear()
                pause = self._keep_alive()
                if not announced and (announced := ready()):
                    on_ready()
                # A signal that came since the clear has set the event: nothing is slept through.
                self._wake.wait(pause if announced else min(pause, 0.1))
            self.say("stopping")
            return 0
        finally:
            self._stop()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append(number)
        self._wake.set()

    def _keep_alive(self) -> float:
        """Start what is due; the seconds until this needs to run again."""
        now = time.monotonic()
        next_due = now + 60
        for child in self._children:
            if child.process is not None and (code := child.process.poll()) is not None:
                self._bury(child, code, now)
            if child.process is None and child.due_at_s <= now:
                self._start(child, now)
            if child.process is None:
                next_due = min(next_due, child.due_at_s)
        return max(next_due - now, 0.01)

    def _start(self, child: _Child, now: float) -> None:
        try:
            child.process = subprocess.Popen(child.program.argv, stdin=subprocess.DEVNULL, start_new_session=True)
            child.started_at_s = now
        except OSError as error:
            self._plan(child, f"could not be started ({error.strerror})", now)

    def _bury(self, child: _Child, code: int, now: float) -> None:
        """Kill what the dead child left of its family, so that its port is free, and plan the next one."""
        assert child.process is not None
        _kill_group(child.process.pid)
        if now - child.started_at_s >= self.healthy_after_s:
            child.delay_s = FIRST_DELAY_S
        cause = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        child.process = None
        self._plan(child, f"ended ({cause})", now)

    def _plan(self, child: _Child, what: str, now: float) -> None:
        self.say(f"{child.program.name} {what}; starting it again in {child.delay_s:g} s")
        child.due_at_s = now + child.delay_s
        child.delay_s = min(child.delay_s * 2, LONGEST_DELAY_S)

    def _stop(self) -> None:
        living = [child.process for child in self._children if child.process is not None]
        for process in living:
            process.terminate()
        deadline = time.monotonic() + self.grace_s
        asked_before = len(self._signals)
        while any(process.poll() is None for process in living) and time.monotonic() < deadline:
            if len(self._signals) > max(asked_before, 1):
                break
            time.sleep(0.02)
        for process in living:
            _kill_group(process.pid)
            process.wait()
        self._children = []


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # nobody left; macOS answers EPERM for a group of zombies


def watch_parent(parent: int, *, grace_s: float = GRACE_S, every_s: float = 0.5) -> None:
    """End this process when `parent` is no longer its parent: a supervisor killed outright cannot stop its children.

    Asks politely first (SIGTERM to itself), and leaves without ceremony after `grace_s`.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(every_s)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace_s)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
