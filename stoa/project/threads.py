"""Keep the loops of one process alive, each in a thread, and end them together."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import connections

from stoa.runtime.logs import get_logger

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
HEALTHY_AFTER_S = 60.0
LOOK_EVERY_S = 0.2

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Loop:
    """What a thread runs until the event is set. That it returns or raises before is its death."""

    name: str
    run: Callable[[threading.Event], None]


class _Living:
    def __init__(self, loop: Loop, stop: threading.Event) -> None:
        self.loop = loop
        self._stop = stop
        self._delay_s = FIRST_DELAY_S
        self._due_at_s = 0.0
        self._started_at_s = 0.0
        self.thread: threading.Thread | None = None

    def look(self) -> None:
        """Start it when it is due; when it has died, plan the next start."""
        now = time.monotonic()
        if self.thread is not None and not self.thread.is_alive():
            self.thread = None
            if now - self._started_at_s >= HEALTHY_AFTER_S:
                self._delay_s = FIRST_DELAY_S
            log.warning("a loop is started again", loop=self.loop.name, after_s=self._delay_s)
            self._due_at_s = now + self._delay_s
            self._delay_s = min(self._delay_s * 2, LONGEST_DELAY_S)
        if self.thread is None and now >= self._due_at_s:
            self._started_at_s = now
            self.thread = threading.Thread(target=self._run, name=self.loop.name, daemon=True)
            self.thread.start()

    def _run(self) -> None:
        try:
            self.loop.run(self._stop)
        except Exception:  # a runner: the thread ends with its reason told, and a new one begins
            log.exception("a loop died", loop=self.loop.name)
        finally:
            connections.close_all()


def keep_running(loops: Sequence[Loop], stop: threading.Event, *, grace_s: float) -> list[str]:
    """Until `stop` is set; then each gets the rest of `grace_s` to end. The names of those that did not."""
    living = [_Living(loop, stop) for loop in loops]
    while not stop.is_set():
        for each in living:
            each.look()
        stop.wait(LOOK_EVERY_S)
    deadline = time.monotonic() + grace_s
    for each in living:
        if each.thread is not None:
            each.thread.join(max(deadline - time.monotonic(), 0.0))
    return [each.loop.name for each in living if each.thread is not None and each.thread.is_alive()]
