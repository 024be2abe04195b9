"""The trace source that reads the log files: the request's own line, tasks, requests that went out."""

import mmap
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson

from stoa.platform.observability.contracts import MOST, TraceLine
from stoa.runtime import context
from stoa.runtime.config.current import settings

NAMES = ("app.log", "celery.log")
"""errors.log says again what stands in these."""
READ_AT_MOST = 256 * 1024 * 1024
"""Bytes of each log with its rotated files, newest first: what a person waits for."""
_LONGEST_LINE = 1024 * 1024
_OURS = frozenset({"ts", "level", "logger", "msg", "request_id", "exception", "stack", "file", "func"})


def lines_of(request_id: str) -> list[TraceLine]:
    """At most MOST lines of each log, the newest file's first. Times in text files are whole seconds.

    Nothing where logs go to standard output alone: then the collector has them."""
    if context.accepted_request_id(request_id) != request_id:
        return []
    found = []
    for name in NAMES:
        found += [
            line for _, line in zip(range(MOST), _in_log(Path(settings().log_dir), name, request_id), strict=False)
        ]
    return found


def _in_log(folder: Path, name: str, request_id: str) -> Iterator[TraceLine]:
    left = READ_AT_MOST
    rotated = [folder / f"{name}.{number}" for number in range(1, settings().log_backup_count + 1)]
    for path in (folder / name, *rotated):
        if left <= 0:
            return
        try:
            with path.open("rb") as file:
                size = path.stat().st_size
                if size:
                    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
                        for raw in _with(text, request_id, from_=max(0, size - left)):
                            line = _read(raw.decode(errors="replace"), request_id, name.removesuffix(".log"))
                            if line is not None:
                                yield line
                left -= size
        except FileNotFoundError:
            continue


def _with(text: mmap.mmap, request_id: str, *, from_: int) -> Iterator[bytes]:
    needles = (f"log_id={request_id} ".encode(), f'"request_id":"{request_id}"'.encode())
    for needle in needles:
        place = text.find(needle, from_)
        while place != -1:
            start = text.rfind(b"\n", max(0, place - _LONGEST_LINE), place) + 1
            end = text.find(b"\n", place)
            end = len(text) if end == -1 else end
            yield text[start:end]
            place = text.find(needle, end)


def _read(line: str, request_id: str, log: str) -> TraceLine | None:
    """None for what only looks like a line of this id: the id of another line may be quoted in a value."""
    try:
        return _json_line(line, request_id, log) if line.startswith("{") else _text_line(line, request_id, log)
    except (ValueError, KeyError):
        return None


def _json_line(line: str, request_id: str, log: str) -> TraceLine | None:
    said = orjson.loads(line)
    if said["request_id"] != request_id:
        return None
    fields = [f"{name}={value}" for name, value in said.items() if name not in _OURS]
    return TraceLine(
        at=datetime.fromisoformat(said["ts"]),
        what=f"{log} log",
        detail=" | ".join([said["level"], said["msg"], *fields]),
    )


def _text_line(line: str, request_id: str, log: str) -> TraceLine | None:
    moment, level, named, *rest = line.split(" | ")
    if named != f"log_id={request_id}":
        return None
    told = [part.removeprefix("msg=") for part in rest if not part.startswith(("file=", "func="))]
    at = datetime.strptime(moment, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return TraceLine(at=at, what=f"{log} log", detail=" | ".join([level, *told]))
