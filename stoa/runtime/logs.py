"""Logging for every process: `get_logger` to write, `configure_logging` once at the start.

Ours are structlog loggers over stdlib ones, so that lines of Django, Granian, Celery and Stoa come out in one form,
masked. Lines go to standard output, or to standard error in a command, whose standard output is its answer.
"""

import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, TextIO

from structlog.stdlib import BoundLogger
from structlog.typing import EventDict, Processor

from stoa.runtime.config.model import Settings
from stoa.runtime.log_files import ConsoleHandler, SharedFileHandler, warn_on_stderr
from stoa.runtime.log_lines import FIELDS, LineFormatter
from stoa.runtime.process import role

GRANIAN_LOGGING: Final[dict[str, Any]] = {
    "version": 1,
    "incremental": True,
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"propagate": True}, "granian.access": {"propagate": True}},
}
"""For Granian's `log_dictconfig`: its own handlers are not made, and ours are not torn down."""

_STRUCTLOG_FRAMES: Final = 3
_KEYWORDS: Final = ("exc_info", "stack_info")
_changing = threading.Lock()
_installed: list[logging.Handler] = []


def get_logger(name: str) -> BoundLogger:
    """`log = get_logger(__name__)`; then `log.info("Invoice created", invoice_id=...)`. May be called at import."""
    return BoundLogger(logging.getLogger(name), _PROCESSORS, {})


def _to_stdlib(_: object, __: str, fields: EventDict) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The last processor: keywords that logging knows as they are, all others as the record's fields."""
    message = fields.pop("event", "")
    arguments = fields.pop("positional_args", ())
    keywords = {name: fields.pop(name) for name in _KEYWORDS if name in fields}
    keywords["stacklevel"] = _STRUCTLOG_FRAMES + fields.pop("stacklevel", 1)
    if isinstance(extra := fields.get("extra"), dict):
        fields = {**fields, **extra}
        del fields["extra"]
    keywords["extra"] = {FIELDS: fields}
    return (message, *arguments), keywords


_PROCESSORS: Final[list[Processor]] = [_to_stdlib]


def configure_logging(settings: Settings, *, stream: TextIO | None = None) -> None:
    """Put the settings in force, in place of whatever was: safe to repeat, for example after a fork.

    Files that cannot be opened are one warning on standard error, and the console stays on."""
    with _changing:
        files = _file_handlers(settings)
        handlers: list[logging.Handler] = [*files]
        if settings.enable_console_logging or (settings.enable_file_logging and not files):
            handlers.append(_console(settings, stream))
        root = logging.getLogger()
        _withdraw_writers()
        for handler in handlers:
            root.addHandler(handler)
        _installed[:] = handlers
        root.setLevel(settings.log_level)
        logging.getLogger("stoa").setLevel(settings.app_log_level or settings.log_level)
        logging.captureWarnings(True)


def _console(settings: Settings, stream: TextIO | None) -> logging.Handler:
    chosen = stream or (sys.stdout if role() in {"web", "worker", "gateway"} else sys.stderr)
    form: Literal["json", "text"]
    if settings.log_format == "auto":
        form = "text" if chosen.isatty() else "json"
    else:
        form = settings.log_format
    handler = ConsoleHandler(chosen)
    handler.setFormatter(LineFormatter(form))
    return handler


def _file_handlers(settings: Settings) -> list[logging.Handler]:
    """All or none: half a set of files would look like a quiet system."""
    if not settings.enable_file_logging:
        return []
    folder = Path(settings.log_dir).absolute()
    handlers: list[SharedFileHandler] = []
    own = "celery.log" if role() == "worker" else "app.log"
    try:
        for name, level in ((own, logging.NOTSET), ("errors.log", logging.ERROR)):
            handler = SharedFileHandler(
                folder / name, max_bytes=settings.log_max_bytes, backups=settings.log_backup_count
            )
            handler.setLevel(level)
            handler.setFormatter(LineFormatter(settings.log_file_format))
            handlers.append(handler)
    except OSError as error:
        for handler in handlers:
            handler.close()
        warn_on_stderr(
            f"no log files: LOG_DIR={folder} cannot be written ({error.strerror or type(error).__name__}); "
            "logging to the console only",
            about=f"LOG_DIR={folder}",
        )
        return []
    return [*handlers]


def _withdraw_writers() -> None:
    """Ours from last time, and every other that writes lines itself: they would be unmasked and in another form.

    Handlers that do not write (Sentry, a test's recorder) stay."""
    for handler in _installed:
        logging.getLogger().removeHandler(handler)
        handler.close()
    for logger in _all_loggers():
        for handler in list(logger.handlers):
            if type(handler) is logging.StreamHandler or isinstance(handler, logging.FileHandler):
                logger.removeHandler(handler)
                logger.propagate = True


def _all_loggers() -> Iterator[logging.Logger]:
    yield logging.getLogger()
    for logger in list(logging.Logger.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            yield logger
