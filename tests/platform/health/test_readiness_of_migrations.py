"""Code that is newer than its database is not ready; TLS and start-up options reach the probe's own connection."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path

import psycopg
import pytest

from stoa.platform.health.checks import Check
from stoa.platform.health.migrations import Key, migrations_on_disk, pending
from stoa.platform.health.postgres_check import PostgresCheck, connection_words
from stoa.platform.health.readiness import Readiness
from stoa.platform.health.sqlite_check import SqliteCheck
from tests.platform.health.conftest import Database

FIRST, SECOND, SQUASHED = ("shop", "0001_initial"), ("shop", "0002_price"), ("shop", "0001_squashed_0002")
ON_DISK: Mapping[Key, frozenset[Key]] = {FIRST: frozenset(), SECOND: frozenset()}
WITH_SQUASH = {**ON_DISK, SQUASHED: frozenset({FIRST, SECOND})}
ONLY_SQUASH = {SQUASHED: frozenset({FIRST, SECOND})}


def errors(check: Check) -> dict[str, str | None]:
    verdict = Readiness([check], draining=lambda: False).verdict()
    return {outcome.name: outcome.error for outcome in verdict.checks}


@pytest.mark.parametrize(
    ("on_disk", "applied", "left"),
    [
        (ON_DISK, {FIRST, SECOND}, set()),
        (ON_DISK, {FIRST}, {SECOND}),
        (ON_DISK, {FIRST, SECOND, ("shop", "0003_newer")}, set()),
        (WITH_SQUASH, {FIRST, SECOND}, set()),
        (WITH_SQUASH, {SQUASHED}, set()),
        (WITH_SQUASH, {FIRST}, {SECOND, SQUASHED}),
        (ONLY_SQUASH, {FIRST, SECOND}, set()),
        (ONLY_SQUASH, {FIRST}, {SQUASHED}),
        (ONLY_SQUASH, set(), {SQUASHED}),
    ],
)
def test_pending(on_disk: Mapping[Key, frozenset[Key]], applied: set[Key], left: set[Key]) -> None:
    assert pending(on_disk=on_disk, applied=applied) == left


def test_the_names_on_disk_are_those_of_the_installed_apps() -> None:
    assert ("contenttypes", "0001_initial") in migrations_on_disk()


@pytest.mark.postgres
def test_a_pending_migration_turns_postgresql_red(scratch_database: Database) -> None:
    check = PostgresCheck(lambda: scratch_database, on_disk=lambda: ON_DISK)
    with psycopg.connect(**connection_words(scratch_database), autocommit=True) as connection:
        try:
            connection.execute("INSERT INTO django_migrations (app, name) VALUES (%s, %s)", FIRST)
            assert errors(check) == {"database": None, "migrations": "PendingMigrations"}
            connection.execute("INSERT INTO django_migrations (app, name) VALUES (%s, %s)", SECOND)
            assert errors(check) == {"database": None, "migrations": None}
        finally:
            connection.execute("DELETE FROM django_migrations")


@pytest.mark.postgres
def test_the_limit_on_the_query_does_not_outlive_it(scratch_database: Database) -> None:
    """Behind a proxy that lends one server connection to many, a lasting SET would limit strangers' statements."""
    statements = f"SET LOCAL statement_timeout = 700; {'SELECT 1'}"
    with psycopg.connect(**connection_words(scratch_database), autocommit=True) as connection:
        connection.execute(statements.encode())
        assert connection.execute("SHOW statement_timeout").fetchone() == ("5s",)


@pytest.mark.postgres
def test_a_database_without_the_table_or_at_all_says_so_by_class(scratch_database: Database) -> None:
    without_table = PostgresCheck(lambda: {**scratch_database, "NAME": "postgres"}, on_disk=lambda: ON_DISK)
    assert errors(without_table) == {"database": None, "migrations": "UndefinedTable"}
    absent = PostgresCheck(lambda: {**scratch_database, "NAME": "test_stoa_absent"}, on_disk=lambda: ON_DISK)
    assert errors(absent) == {"database": "OperationalError", "migrations": "OperationalError"}


def test_sqlite_in_wal_mode(tmp_path: Path) -> None:
    path = tmp_path / "100% a?b#c.sqlite3"
    check = SqliteCheck(lambda: {"NAME": path}, on_disk=lambda: ON_DISK)
    assert errors(check) == {"database": "OperationalError", "migrations": "OperationalError"}
    assert not path.exists()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE other (id integer)")
        connection.commit()
        assert errors(check) == {"database": None, "migrations": "OperationalError"}
        connection.execute("CREATE TABLE django_migrations (app text, name text)")
        connection.execute("INSERT INTO django_migrations VALUES (?, ?)", FIRST)
        connection.commit()
        assert errors(check) == {"database": None, "migrations": "PendingMigrations"}
        # A writer in the middle of its transaction hinders nobody.
        connection.execute("INSERT INTO django_migrations VALUES (?, ?)", SECOND)
        assert errors(check) == {"database": None, "migrations": "PendingMigrations"}
        connection.commit()
    connection.close()
    assert errors(check) == {"database": None, "migrations": None}


def test_the_probe_connects_as_django_would() -> None:
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "stoa",
        "USER": "app",
        "PASSWORD": "it's secret",
        "HOST": "db.internal",
        "PORT": "6432",
        "OPTIONS": {
            "sslmode": "verify-full",
            "sslrootcert": "/etc/ca.pem",
            "sslcert": "/etc/crt.pem",
            "sslkey": "/etc/key.pem",
            "options": "-c statement_timeout=5000",
            "application_name": "stoa-web",
            "pool": {"min_size": 2},
            "isolation_level": 2,
            "server_side_binding": True,
        },
    }
    assert connection_words(database) == {
        "dbname": "stoa",
        "user": "app",
        "password": "it's secret",
        "host": "db.internal",
        "port": "6432",
        "sslmode": "verify-full",
        "sslrootcert": "/etc/ca.pem",
        "sslcert": "/etc/crt.pem",
        "sslkey": "/etc/key.pem",
        "options": "-c statement_timeout=5000",
        "application_name": "stoa-health",
        "client_encoding": "UTF8",
    }
