"""Django's DATABASES, made from our settings and from what the process is for."""

import os
import tempfile
from pathlib import Path
from typing import Any

from stoa.platform.db.tls_options import tls_options
from stoa.runtime.config.database_address import DatabaseAddress, database_address
from stoa.runtime.config.model import Settings
from stoa.runtime.process import Role

_POOLED: frozenset[Role] = frozenset({"web", "worker"})
TEST_DATABASE = "test_stoa_app"


def django_databases(settings: Settings, role: Role) -> dict[str, dict[str, Any]]:
    """The one database `default`. Creates the folder of a SQLite file that does not exist yet.

    Raises ConfigurationError for an address that cannot be read, OSError for a folder that cannot be made."""
    address = database_address(settings, for_migrations=role == "migrate")
    if address.engine == "sqlite":
        return {"default": _sqlite(settings, address)}
    return {"default": _postgresql(settings, address, role)}


def _postgresql(settings: Settings, address: DatabaseAddress, role: Role) -> dict[str, Any]:
    options: dict[str, Any] = {
        "connect_timeout": settings.db_connect_timeout_s,
        "application_name": f"stoa-{role}",
        "options": f"-c statement_timeout={_statement_timeout_ms(settings, role)}",
        # A server that vanished without a word is noticed in a minute, or 15 s after we wrote something to it.
        "keepalives": 1,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
        # Asked of `platform.db.bound` alone: Django's own cursor never prepares.
        "prepare_threshold": 5 if settings.db_prepared_statements else None,
        **tls_options(settings),
    }
    if role in _POOLED:
        options["pool"] = {
            "min_size": min(settings.db_pool_min, settings.db_pool_max),
            "max_size": settings.db_pool_max,
            "timeout": settings.db_pool_timeout_s,
            # The pool doubles its pauses while the server is away: by default (300 s) it came back 7 s after a server
            # that had been away for 20. Giving up early hands the next attempt to the next request.
            "reconnect_timeout": 1.0,
        }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": address.name,
        "USER": address.user,
        "PASSWORD": address.password,
        "HOST": address.host,
        "PORT": str(address.port or ""),
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
        "TEST": {"NAME": TEST_DATABASE},
    }


def _statement_timeout_ms(settings: Settings, role: Role) -> int:
    """0, no limit, is said aloud: a limit set for the database role must not end a migration half-way."""
    if role == "web":
        return settings.db_statement_timeout_web_ms
    return settings.db_statement_timeout_worker_ms if role == "worker" else 0


def _sqlite(settings: Settings, address: DatabaseAddress) -> dict[str, Any]:
    if address.name != ":memory:":
        Path(address.name).absolute().parent.mkdir(parents=True, exist_ok=True)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": address.name,
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            # A transaction that begins as a reader cannot wait for its turn to write: it fails at once.
            "transaction_mode": "IMMEDIATE",
            "timeout": settings.sqlite_busy_timeout_s,
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
                "PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=ON"
            ),
        },
        # A file, not memory: threads share it, and WAL works as it does in use. One per process, so that two runs
        # of the suite on one machine do not meet.
        "TEST": {"NAME": str(Path(tempfile.gettempdir()) / f"{TEST_DATABASE}_{os.getpid()}.sqlite3")},
    }
