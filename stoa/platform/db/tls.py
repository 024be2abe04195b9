"""What there is to say about the TLS of PostgreSQL when a process starts."""

import logging
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stoa.platform.db.tls_certificates import SYSTEM_STORE, CertificateDays, certificate_files, earliest_expiry
from stoa.runtime import metrics
from stoa.runtime.config.database_address import TLS_MODES, database_address, ignored_tls_parameters, names_postgres
from stoa.runtime.config.model import Settings
from stoa.runtime.logs import get_logger

log = get_logger(__name__)

_STATES = {
    "": "on if the server offers it",
    "disable": "off",
    "allow": "off unless the server insists",
    "prefer": "on if the server offers it",
}
_ENFORCED = frozenset({"require", "verify-ca", "verify-full"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One line at start. `level` is logging's; the text names settings, and neither it nor `path` quotes a file."""

    level: int
    text: str
    setting: str = "POSTGRES_SSL_MODE"
    path: str = ""


def report_tls(settings: Settings) -> None:
    """Log the state and every finding, and serve the certificates' days as a metric. Silent on SQLite."""
    for finding in tls_findings(settings):
        where = {"path": finding.path} if finding.path else {}
        log.log(finding.level, finding.text, setting=finding.setting, **where)
    days = CertificateDays(certificate_files(settings) if names_postgres(settings) else {})
    days.days_left()
    metrics.install("certificate_days", days)


def tls_findings(settings: Settings) -> Iterator[Finding]:
    """The state first, then what is wrong with the mode and with the files. Reads files, connects nowhere."""
    if not names_postgres(settings):
        return
    yield from _mode_findings(settings)
    for name in ignored_tls_parameters(settings):
        yield Finding(logging.WARNING, "ssl parameters of the URL are not read; set POSTGRES_SSL_MODE instead", name)
    for name, path in _files(settings):
        yield from _file_findings(name, path)


def _mode_findings(settings: Settings) -> Iterator[Finding]:
    mode = settings.postgres_ssl_mode
    if mode and mode not in TLS_MODES:
        yield Finding(logging.INFO, "PostgreSQL TLS: off (mode unknown)")
        yield Finding(logging.WARNING, f"POSTGRES_SSL_MODE is none of {', '.join(TLS_MODES)}: TLS is off")
        return
    yield Finding(logging.INFO, f"PostgreSQL TLS: {_STATES.get(mode, 'on')} (mode {mode or 'unset'})")
    if not settings.in_production or database_address(settings).host.startswith("/"):
        return  # a Unix socket never carries TLS and never leaves the machine
    if mode not in _ENFORCED:
        yield Finding(logging.WARNING, "POSTGRES_SSL_MODE is below require: passwords and rows may travel in the clear")
    if mode.startswith("verify-") and not settings.postgres_ssl_root_cert:
        yield Finding(
            logging.WARNING,
            f"{mode} without POSTGRES_SSL_ROOT_CERT depends on ~/.postgresql/root.crt",
            "POSTGRES_SSL_ROOT_CERT",
        )


def _files(settings: Settings) -> list[tuple[str, str]]:
    paths = (
        ("POSTGRES_SSL_CERT", settings.postgres_ssl_cert),
        ("POSTGRES_SSL_KEY", settings.postgres_ssl_key),
        ("POSTGRES_SSL_ROOT_CERT", settings.postgres_ssl_root_cert),
    )
    return [(name, path) for name, path in paths if path and path != SYSTEM_STORE]


def _file_findings(name: str, path: str) -> Iterator[Finding]:
    try:
        status = Path(path).stat()
    except OSError as error:
        reason = "No such file" if isinstance(error, FileNotFoundError) else f"Not readable ({type(error).__name__})"
        yield Finding(logging.ERROR, f"{reason}: {path}", name, path)
        return
    if not os.access(path, os.R_OK) or not stat.S_ISREG(status.st_mode):
        yield Finding(logging.ERROR, f"Not a file that this process can read: {path}", name, path)
    elif name == "POSTGRES_SSL_KEY":
        if status.st_mode & _refused_bits(status.st_uid):
            yield Finding(logging.WARNING, "Others can read the key, so libpq will refuse it: chmod 600", name, path)
    else:
        try:
            earliest_expiry(Path(path))
        except (OSError, ValueError):
            yield Finding(logging.ERROR, f"Not a certificate in PEM form: {path}", name, path)


def _refused_bits(owner: int) -> int:
    """As libpq judges: a key that root owns may be readable by its group, any other by its owner alone."""
    return stat.S_IRWXO | (stat.S_IWGRP | stat.S_IXGRP if owner == 0 else stat.S_IRWXG)
