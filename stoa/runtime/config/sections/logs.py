"""What is written, where and in which form."""

from typing import Literal

from pydantic import SecretStr

from stoa.runtime.config.registry import Section, setting
from stoa.runtime.config.values import Switch

type Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class Logs(Section):
    """Logs and metrics."""

    log_level: Level = setting("INFO", "Lowest level written.", example="WARNING")
    app_log_level: Level | None = setting(None, "The same for Stoa's own loggers; unset: LOG_LEVEL.", example="DEBUG")
    log_format: Literal["auto", "json", "text"] = setting(
        "auto", "Form of console lines; auto is text on a terminal and json elsewhere.", example="json"
    )
    log_file_format: Literal["json", "text"] = setting(
        "text", "Form of lines in files.", example="json", why="Text answers `grep log_id=...` at three in the morning."
    )
    log_dir: str = setting("logs", "Folder of app.log, celery.log and errors.log.", example="/var/log/stoa")
    enable_file_logging: Switch = setting(
        True, "Write log files; a container wants false.", example="false"
    )
    enable_console_logging: Switch = setting(True, "Write to standard output.", example="false")
    log_max_bytes: int = setting(10_485_760, "A log file is rotated at this size.", unit="bytes", ge=1024, example="52428800")
    log_backup_count: int = setting(10, "Rotated files kept of each.", unit="files", ge=1, le=1000, example="30")
    enable_metrics: Switch = setting(False, "Serve /metrics; else it is 404.", example="true")
    metrics_token: SecretStr | None = setting(
        None, "Bearer token that /metrics asks for; required in production.", secret=True, example="openssl rand -hex 24"
    )
