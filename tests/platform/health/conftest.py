"""A scratch PostgreSQL database and the addresses of the real servers, for the tests of health alone."""

import os
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from stoa.platform.health.broken import mark_whole
from stoa.runtime.config.current import settings
from stoa.runtime.config.database_address import database_address

type Database = Mapping[str, Any]


@pytest.fixture(scope="session")
def scratch_database() -> Iterator[Database]:
    """Django's settings of a database that holds one empty django_migrations table. Only with DATABASE_URL."""
    address = database_address(settings())
    name = f"test_stoa_health_{os.getpid()}"
    server = {
        "host": address.host or "localhost",
        "port": address.port or 5432,
        "user": address.user,
        "password": address.password,
    }
    with psycopg.connect(dbname="postgres", autocommit=True, **server) as owner:
        owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        with psycopg.connect(dbname=name, autocommit=True, **server) as connection:
            connection.execute("CREATE TABLE django_migrations (id serial, app text, name text, applied timestamptz)")
        yield {
            "NAME": name,
            "USER": address.user,
            "PASSWORD": address.password,
            "HOST": server["host"],
            "PORT": str(server["port"]),
            "OPTIONS": {"options": "-c statement_timeout=5000", "pool": {"min_size": 1}},
        }
        owner.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def redis_line() -> tuple[str, int]:
    """Host and port of the real Redis. Only with REDIS_URL."""
    parts = urlsplit(settings().redis_address or "")
    return parts.hostname or "localhost", parts.port or 6379


@pytest.fixture(autouse=True)
def whole_again() -> Iterator[None]:
    yield
    mark_whole()
