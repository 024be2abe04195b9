"""The snapshot that a process evaluates from, and the thread that keeps it fresh.

The thread starts with the first question and looks once a second, so that no request ever waits for a query. It rests
while nobody asks; the first question after a rest waits for one look, at most PATIENCE_S."""

import os
import threading
from collections.abc import Callable

from django.db import connection

from stoa.platform.flags.rows import Snapshot, note_reads, read_snapshot
from stoa.runtime.logs import get_logger

LOOK_EVERY_S = 1.0
REST_AFTER_LOOKS = 10
PATIENCE_S = 0.5
KEEP_READS_EVERY_LOOKS = 60

log = get_logger(__name__)


class Watch:
    """One a process. `snapshot` is replaced whole, so readers need no lock."""

    def __init__(
        self,
        *,
        read: Callable[[Snapshot], Snapshot] = read_snapshot,
        keep: Callable[[set[str]], None] = note_reads,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self.snapshot = Snapshot()
        self.fresh = False
        """False: somebody has to look before `snapshot` is an answer to rely on."""
        self.asked: set[str] = set()
        """Names since the last look; adding a name to a set is atomic."""
        self._read, self._keep, self._look_every_s = read, keep, look_every_s
        self._changed = threading.Condition()
        self._wanted = self._served = 0
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._away = False
        self._to_keep: set[str] = set()

    def refresh(self) -> None:
        """Have the thread look now, and return when a look that began after this call is done.

        After PATIENCE_S without one, what was known before is relied on until the thread comes back."""
        with self._changed:
            self._wanted += 1
            ticket = self._wanted
            self._wake.set()
            if self._thread is None:
                self._stopping = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._stopping,), name="flags-watch", daemon=True
                )
                self._thread.start()
            if not self._changed.wait_for(lambda: self._served >= ticket, PATIENCE_S):
                self.fresh = True

    def stop(self) -> None:
        """Keep the reads that are not kept yet, and end the thread; the next question starts another."""
        with self._changed:
            thread, self._thread = self._thread, None
            self._stopping.set()
            self._wake.set()
        if thread is not None:
            thread.join()

    def _run(self, stopping: threading.Event) -> None:
        quiet = looks = 0
        while not stopping.is_set():
            self._wake.clear()
            quiet = 0 if self.asked else quiet + 1
            self._look()
            looks += 1
            if looks % KEEP_READS_EVERY_LOOKS == 1:
                self._keep_reads()
            if quiet < REST_AFTER_LOOKS:
                self._wake.wait(self._look_every_s)
                continue
            self._keep_reads()
            self.fresh = False
            quiet = 0
            if not (self.asked or stopping.is_set()):
                self._wake.wait()
        self._keep_reads()
        self.fresh = False

    def _look(self) -> None:
        ticket = self._wanted
        self._to_keep |= self._take_asked()
        try:
            self.snapshot = self._read(self.snapshot)
            if self._away:
                log.info("the flags are read again")
            self._away = False
        except Exception as error:  # noqa: BLE001 - a runner: whatever ails the database, the last known rows go on
            if not self._away:
                log.warning("the flags cannot be read; the last known ones go on", error=type(error).__name__)
            self._away = True
        finally:
            connection.close()
        with self._changed:
            self.fresh, self._served = True, ticket
            self._changed.notify_all()

    def _take_asked(self) -> set[str]:
        taken, self.asked = self.asked, set()
        return taken

    def _keep_reads(self) -> None:
        self._to_keep |= self._take_asked()
        if not self._to_keep or self._away:
            return
        try:
            self._keep(self._to_keep)
            self._to_keep = set()
        except Exception as error:  # noqa: BLE001 - a runner: a date in a report is not worth more than a line
            log.info("when flags were read last could not be kept", error=type(error).__name__)
        finally:
            connection.close()


_watch = [Watch()]


def watch() -> Watch:
    return _watch[0]


def replace_watch(other: Watch) -> Watch:
    """Returns the one that was in force, for a test to put back."""
    previous, _watch[0] = _watch[0], other
    return previous


def _after_fork() -> None:
    """Threads do not survive a fork; what was known does."""
    known = _watch[0].snapshot
    _watch[0] = Watch()
    _watch[0].snapshot = known


os.register_at_fork(after_in_child=_after_fork)
