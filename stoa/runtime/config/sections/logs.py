"""What is written, where and in which form."""

from typing import Literal

from pydantic import SecretStr

from stoa.runtime.config.registry import Section, setting
from stoa.runtime.config.values import Switch

type Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class Logs(Section):
    """Logs and metrics."""

    log_level: Level = setting(
        "INFO",
        "Lowest level written.",
        example="WARNING",
        why="It governs the libraries too: DEBUG shows every statement they send.",
    )
    app_log_level: Level | None = setting(
        None,
        "The same for Stoa's own loggers; unset: LOG_LEVEL.",
        example="DEBUG",
        why="Our own detail can be had without the libraries'.",
    )
    log_format: Literal["auto", "json", "text"] = setting(
        "auto",
        "Form of console lines; auto is text on a terminal and json elsewhere.",
        example="json",
        why="People read text, collectors read json.",
    )
    log_file_format: Literal["json", "text"] = setting(
        "text",
        "Form of lines in files.",
        example="json",
        why="Text answers `grep log_id=...` at three in the morning.",
    )
    log_dir: str = setting(
        "logs",
        "Folder of app.log, celery.log and errors.log.",
        example="/var/log/stoa",
        why="All processes of an installation write to the same files, so that one grep finds a trace.",
    )
    enable_file_logging: Switch = setting(
        True,
        "Write log files.",
        example="false",
        why="A container writes to standard output alone.",
    )
    enable_console_logging: Switch = setting(
        True,
        "Write to standard output.",
        example="false",
        why="Under a service that keeps standard output, files would say everything twice.",
    )
    log_max_bytes: int = setting(
        10_485_760,
        "A log file is rotated at this size.",
        unit="bytes",
        ge=1024,
        example="52428800",
        why="With LOG_BACKUP_COUNT it bounds what logs can take of the disk.",
    )
    log_backup_count: int = setting(
        10,
        "Rotated files kept of each.",
        unit="files",
        ge=1,
        le=1000,
        example="30",
        why="How far back a question can be answered.",
    )
    enable_metrics: Switch = setting(
        False,
        "Serve /metrics; else it is 404.",
        example="true",
        why="Figures of an installation are nobody's business unless somebody collects them.",
    )
    metrics_dir: str = setting(
        "var/metrics",
        "Folder where the processes of one machine share their counters.",
        example="/run/stoa/metrics",
        why="Any process can then tell the figures of all; a folder in memory (tmpfs) spares the disk.",
    )
    metrics_token: SecretStr | None = setting(
        None,
        "Bearer token that /metrics asks for; required in production.",
        secret=True,
        example="<output of: openssl rand -hex 24>",
        why="/metrics is on the public port; without a token anyone reads how much business is done.",
    )
