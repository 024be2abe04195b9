"""Where lines go: the console, and files that several processes share."""

import fcntl
import logging
import os
import sys
import time
from io import FileIO
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import TextIO

_COMPLAINT_EVERY_S = 60.0
_last_complaint: dict[str, float] = {}


def warn_on_stderr(sentence: str, *, about: str) -> None:
    """One line, at most once a minute per `about`: a full disk must not fill the console as well."""
    now = time.monotonic()
    last = _last_complaint.get(about)
    if sys.stderr is None or (last is not None and now - last < _COMPLAINT_EVERY_S):
        return
    _last_complaint[about] = now
    sys.stderr.write(f"stoa: {sentence}\n")


def _lost(handler: logging.Handler, record: logging.LogRecord) -> None:
    """Instead of logging's own report, which prints the message and its arguments unmasked."""
    kind = getattr(sys.exc_info()[0], "__name__", "unknown error")
    where = f"{record.filename}:{record.lineno}"
    warn_on_stderr(f"a log line of {where} could not be written: {kind}", about=f"{type(handler).__name__} {kind}")


class ConsoleHandler(logging.StreamHandler[TextIO]):
    """Whatever the stream's encoding: a character it lacks is escaped, never the end of the line."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record) + "\n"
            try:
                self.stream.write(line)
            except UnicodeEncodeError as error:
                self.stream.write(line.encode(error.encoding, "backslashreplace").decode(error.encoding))
            self.flush()
        except Exception:  # noqa: BLE001 - a line that cannot be written must not end the work it speaks of
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        _lost(self, record)


class SharedFileHandler(WatchedFileHandler):
    """A file that several processes append to and one of them rotates: `app.log`, `app.log.1`, ... `app.log.<backups>`.

    A line is one `write` on a descriptor in append mode, so lines of two processes never mix. Whoever finds the file
    full renames it under a lock file; the others notice the new inode before their next line. A line that was on its
    way meanwhile lands in the renamed file: the size is kept to within a line a process.
    Raises OSError when the file cannot be opened at the start; later failures are reported once a minute."""

    stream: FileIO | None  # type: ignore[assignment]  # the base class writes text; this one whole lines of bytes

    def __init__(self, path: Path, *, max_bytes: int, backups: int) -> None:
        self._max_bytes = max_bytes
        self._backups = backups
        self._lock_path = path.with_name(f".{path.name}.lock")
        super().__init__(path, mode="ab")

    def _open(self) -> FileIO:  # type: ignore[override]
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return FileIO(self.baseFilename, "ab")

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._append(f"{self.format(record)}\n".encode("utf-8", "backslashreplace"))
        except Exception:  # noqa: BLE001 - a line that cannot be written must not end the work it speaks of
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        _lost(self, record)

    def _append(self, line: bytes) -> None:
        stream = self._current()
        if self._full(stream, line):
            try:
                self._rotate(line)
            except OSError as error:
                warn_on_stderr(
                    f"{self.baseFilename} cannot be rotated: {type(error).__name__}", about=self.baseFilename
                )
            stream = self._current()
        rest = memoryview(line)
        while rest:
            rest = rest[stream.write(rest) :]

    def _current(self) -> FileIO:
        if self.stream is not None:
            self.reopenIfNeeded()
        if self.stream is None:
            self.stream = self._open()
            self._statstream()
        return self.stream

    def _full(self, stream: FileIO, line: bytes) -> bool:
        size = os.fstat(stream.fileno()).st_size
        return size > 0 and size + len(line) > self._max_bytes

    def _rotate(self, line: bytes) -> None:
        with self._lock_path.open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._full(self._current(), line):
                return  # another process was faster
            current = Path(self.baseFilename)
            for number in range(self._backups - 1, 0, -1):
                older = Path(f"{current}.{number}")
                if older.exists():
                    older.replace(f"{current}.{number + 1}")
            current.replace(f"{current}.1")
            self._current()
