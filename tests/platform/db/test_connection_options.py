"""DATABASES as Django receives it, and what SQLite and PostgreSQL make of it."""

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.db.utils import ConnectionHandler
from pytest_django import DjangoDbBlocker

from stoa.platform.db.connection import django_databases
from stoa.platform.db.connection_refusal import refusal_line
from stoa.runtime.config.loader import load
from stoa.runtime.process import Role

URL = "postgresql://stoa:p%40ss%2Fword@db.internal:6432/shop?schema=public"


def database(role: Role = "web", **environ: str) -> dict[str, Any]:
    return django_databases(load(environ=environ, dotenv=None).settings, role)["default"]


def test_postgresql_is_addressed_by_url() -> None:
    found = database(DATABASE_URL=URL)
    assert {name: found[name] for name in ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "CONN_MAX_AGE")} == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "shop",
        "USER": "stoa",
        "PASSWORD": "p@ss/word",
        "HOST": "db.internal",
        "PORT": "6432",
        "CONN_MAX_AGE": 0,
    }
    assert found["TEST"]["NAME"].startswith("test_stoa_")


@pytest.mark.parametrize(
    ("role", "statement_timeout", "pooled"),
    [
        ("web", "-c statement_timeout=5000", True),
        ("worker", "-c statement_timeout=60000", True),
        ("migrate", "-c statement_timeout=0", False),
        ("command", "-c statement_timeout=0", False),
    ],
)
def test_each_role_has_its_name_its_patience_and_its_pool(role: Role, statement_timeout: str, pooled: bool) -> None:
    options = database(role, DATABASE_URL=URL)["OPTIONS"]
    assert options["application_name"] == f"stoa-{role}"
    assert options["options"] == statement_timeout
    assert options["connect_timeout"] == 3
    assert ("pool" in options) is pooled


def test_the_pool_is_sized_by_the_settings() -> None:
    pool = database(DATABASE_URL=URL, DB_POOL_MIN="4", DB_POOL_MAX="3", DB_POOL_TIMEOUT_S="1.5")["OPTIONS"]["pool"]
    assert (pool["min_size"], pool["max_size"], pool["timeout"]) == (3, 3, 1.5)


def test_tls_reaches_the_options_only_when_set() -> None:
    def tls(**environ: str) -> dict[str, str]:
        options = database(DATABASE_URL=URL, **environ)["OPTIONS"]
        return {name: value for name, value in options.items() if name.startswith("ssl")}

    assert tls() == {}
    assert tls(POSTGRES_SSL_MODE="require") == {"sslmode": "require"}
    assert tls(
        POSTGRES_SSL_MODE="verify-full",
        POSTGRES_SSL_CERT="/c",
        POSTGRES_SSL_KEY="/k",
        POSTGRES_SSL_ROOT_CERT="/r",
    ) == {"sslmode": "verify-full", "sslcert": "/c", "sslkey": "/k", "sslrootcert": "/r"}


def test_migrations_may_come_from_the_owner_of_the_tables() -> None:
    addresses = {"DATABASE_URL": URL, "MIGRATION_DATABASE_URL": "postgres://owner@db.internal/shop"}
    users: dict[Role, str] = {"migrate": "owner", "web": "stoa", "worker": "stoa", "command": "stoa"}
    assert {role: database(role, **addresses)["USER"] for role in users} == users


def test_sqlite_is_ready_for_threads_and_triggers(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> None:
    path = tmp_path / "not" / "there" / "yet.sqlite3"
    databases = {"default": database(SQLITE_PATH=str(path), SQLITE_BUSY_TIMEOUT_S="1.5")}
    with django_db_blocker.unblock():
        connection = ConnectionHandler(databases)["default"]
        with connection.cursor() as cursor:
            pragmas = ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers", "busy_timeout")
            found = {pragma: cursor.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in pragmas}
        connection.close()
    assert found == {
        "journal_mode": "wal",
        "synchronous": 1,
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "busy_timeout": 1500,
    }


def test_sqlite_writers_queue_instead_of_failing_at_once(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> None:
    """Two transactions that read and then write: begun as readers, the slower would fail with "database is locked"."""
    databases = {"default": database(SQLITE_PATH=str(tmp_path / "counter.sqlite3"))}
    connections = ConnectionHandler(databases)
    faults: list[Exception] = []

    def begin_and_read() -> int:
        connections["default"].set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
        return int(connections["default"].cursor().execute("SELECT n FROM counter").fetchone()[0])

    def write_and_commit(n: int) -> None:
        connections["default"].cursor().execute("UPDATE counter SET n = %s", [n])
        connections["default"].commit()

    def count() -> None:
        try:
            write_and_commit(begin_and_read() + 1)
        except OperationalError as error:
            faults.append(error)
        connections["default"].close()

    with django_db_blocker.unblock():
        connections["default"].cursor().execute("CREATE TABLE counter AS SELECT 0 AS n")
        read = begin_and_read()
        other = threading.Thread(target=count)
        other.start()
        other.join(0.2)
        write_and_commit(read + 1)
        other.join()
        connections["default"].close()
    assert faults == []
    with sqlite3.connect(tmp_path / "counter.sqlite3") as reading:
        assert reading.execute("SELECT n FROM counter").fetchone() == (2,)


def test_a_refusal_is_one_line() -> None:
    error = OSError(
        "connection failed: no route\n  to host\nMultiple connection attempts failed. All failures were:\n- x"
    )
    assert refusal_line(error) == "database: connection failed: no route"
