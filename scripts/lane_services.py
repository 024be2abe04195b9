"""Finds the PostgreSQL and the Redis that the tests may use: the ones named, else a local one."""

import getpass
import os
import re
import time

import psycopg
import redis

LEFTOVER = re.compile(r"test_stoa_(\d{10})_\d+")
LEFTOVER_AFTER_S = 6 * 3600
LOCAL_REDIS = "redis://127.0.0.1:6379/15"


class ServiceMissing(Exception):
    """`named`: the address was given, so that silence would hide somebody's mistake."""

    def __init__(self, sentence: str, *, named: bool) -> None:
        self.named = named
        super().__init__(sentence)


def postgres_url() -> str:
    """DATABASE_URL, or a local server on which we may create databases. Drops old test databases. Raises ServiceMissing.

    The database that the URL names is not opened, let alone touched: tests make their own test_stoa_* beside it."""
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith(("postgres://", "postgresql://")):
        if fault := _fault(given):
            raise ServiceMissing(f"the PostgreSQL of DATABASE_URL cannot be used: {fault}", named=True)
        return given
    local = [f"postgresql://{user}@127.0.0.1:5432/postgres" for user in ("postgres", getpass.getuser())]
    for url in (*local, "postgresql:///postgres"):
        if not _fault(url):
            return url
    raise ServiceMissing(
        "no local PostgreSQL lets us create databases (127.0.0.1:5432, user postgres or your own); set DATABASE_URL",
        named=False,
    )


def redis_url() -> str:
    """REDIS_URL, or database 15 of a local server. Raises ServiceMissing."""
    given = os.environ.get("REDIS_URL", "")
    try:
        with redis.Redis.from_url(given or LOCAL_REDIS, socket_connect_timeout=2, socket_timeout=2) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        where = "the Redis of REDIS_URL" if given else "no Redis at 127.0.0.1:6379 (set REDIS_URL)"
        raise ServiceMissing(f"{where} cannot be used: {type(error).__name__}", named=bool(given)) from None
    return given or LOCAL_REDIS


def _fault(url: str) -> str:
    """Why tests cannot run there, never with the address; empty when they can."""
    try:
        with psycopg.connect(_maintenance(url), connect_timeout=3, autocommit=True) as connection:
            row = connection.execute(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
            if row is None or not row[0]:
                return "its role may not create databases (ALTER ROLE ... CREATEDB)"
            _drop_leftovers(connection)
    except psycopg.Error as error:
        return type(error).__name__
    return ""


def _maintenance(url: str) -> str:
    """The same server and role, connected to the database `postgres`; our own `?schema=` tolerance as in the settings."""
    address, _, _ = url.partition("?")
    scheme, _, rest = address.partition("://")
    authority, _, _ = rest.partition("/")
    return f"{scheme}://{authority}/postgres"


def _drop_leftovers(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Databases of runs that were killed hours ago; one that is in use refuses to go, and stays."""
    for (name,) in connection.execute(
        "SELECT datname FROM pg_database WHERE pg_catalog.pg_get_userbyid(datdba) = current_user"
    ).fetchall():
        match = LEFTOVER.fullmatch(str(name))
        if match and time.time() - int(match[1]) > LEFTOVER_AFTER_S:
            try:
                connection.execute(f'DROP DATABASE IF EXISTS "{match[0]}"')
            except psycopg.errors.ObjectInUse:
                continue
