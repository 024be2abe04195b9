"""What one request line costs, in microseconds: `python benchmarks/log_cost.py`.

The line has the fields of an access line, its path carries an id and a query string, and it goes through a real
file or stream. The raw limit is a stdlib logger with a JSON formatter that does nothing but write. Best of several
rounds: the disturbance of a shared machine is never negative.
"""

import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from stoa.runtime import context
from stoa.runtime.config.loader import load
from stoa.runtime.logs import configure_logging, get_logger
from stoa.runtime.masking import mask_field

LINES = 3_000
ROUNDS = 7
FIELDS: dict[str, object] = {
    "method": "GET",
    "path": "/api/v1/organizations/0194f5a2-7c3e-7b1a-9c55-2f6d0a1b4e77/members",
    "query": "limit=20&cursor=eyJpZCI6MX0",
    "status": 200,
    "duration_ms": 12.345,
    "client": "203.0.113.7",
}


class _BareJson(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"ts": record.created, "level": record.levelname, "logger": record.name, "msg": record.getMessage()}
        return json.dumps({**line, **{name: getattr(record, name) for name in FIELDS}})


def _microseconds(write: Callable[[], None]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(LINES):
            write()
        best = min(best, time.perf_counter() - started)
    return round(best / LINES * 1e6, 2)


def _bare(folder: Path) -> float:
    handler = logging.FileHandler(folder / "bare.log")
    handler.setFormatter(_BareJson())
    logger = logging.getLogger("bare")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    cost = _microseconds(lambda: logger.info("request", extra=FIELDS))
    logger.removeHandler(handler)
    handler.close()
    return cost


def _ours(folder: Path, *, stream_form: str, file_form: str) -> float:
    """A form of "" turns that destination off."""
    environ = {
        "LOG_DIR": str(folder),
        "LOG_FORMAT": stream_form or "json",
        "LOG_FILE_FORMAT": file_form or "text",
        "ENABLE_CONSOLE_LOGGING": str(bool(stream_form)).lower(),
        "ENABLE_FILE_LOGGING": str(bool(file_form)).lower(),
    }
    log = get_logger("stoa.access")
    with (folder / "stream.log").open("w") as stream:
        configure_logging(load(environ=environ, dotenv=None).settings, stream=stream)
        with context.scope(request_id="0194f5a2-7c3e-7b1a-9c55-2f6d0a1b4e77", user_id="42"):
            cost = _microseconds(lambda: log.info("request", **FIELDS))
        quiet = {"ENABLE_FILE_LOGGING": "false", "ENABLE_CONSOLE_LOGGING": "false"}
        configure_logging(load(environ=quiet, dotenv=None).settings)
    return cost


def _masking() -> float:
    def mask() -> None:
        for name, value in FIELDS.items():
            mask_field(name, value)

    return _microseconds(mask)


def measure() -> dict[str, float]:
    """Microseconds a line. Leaves logging quiet: to be called by a process that measures, not by one that serves."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return {
            "bare stdlib json line to a file": _bare(folder),
            "ours, json to a stream": _ours(folder, stream_form="json", file_form=""),
            "ours, text to a stream": _ours(folder, stream_form="text", file_form=""),
            "ours, text to a file": _ours(folder, stream_form="", file_form="text"),
            "ours, json to a stream and text to a file": _ours(folder, stream_form="json", file_form="text"),
            "masking only": _masking(),
        }


if __name__ == "__main__":
    for what, cost in measure().items():
        sys.stdout.write(f"{what:45} {cost:8.2f} us\n")
