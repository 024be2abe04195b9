"""PostgreSQL over a connection of its own, by asyncio: psycopg's synchronous connect has a floor of 2 s."""

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo

from stoa.platform.health.checks import APPLIED_MIGRATIONS, DatabaseSettings, OnDisk, Passed
from stoa.platform.health.daemon_calls import offload
from stoa.platform.health.migrations import Key, PendingMigrations, pending


def conninfo(database: DatabaseSettings) -> str:
    """libpq's words for Django's settings, TLS and start-up options included; Django's own options stay out."""
    keywords = {option.keyword.decode() for option in Conninfo.get_defaults()}
    words = {name: value for name, value in database.get("OPTIONS", {}).items() if name in keywords}
    named = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    words |= {word: database[name] for word, name in named.items() if database.get(name)}
    return make_conninfo("", **words, application_name="stoa-health")


class PostgresCheck:
    """Connects, asks for one row, reads the migrations. `database` is read anew each time: tests rename theirs."""

    names = ("database", "migrations")

    def __init__(self, database: Callable[[], DatabaseSettings], *, on_disk: OnDisk) -> None:
        self._database = database
        self._on_disk = on_disk

    async def run(self, passed: Passed, *, budget_s: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + budget_s
        async with asyncio.timeout_at(deadline):
            connection = await psycopg.AsyncConnection.connect(conninfo(self._database()), autocommit=True)
        # From here a cancelled await would make psycopg ask the server to cancel, up to 5 s. Cutting the line ends
        # the wait at once, and the server's own timeout ends what it may still be doing.
        cut = loop.call_at(deadline, _shut, connection.pgconn.socket)
        try:
            await connection.execute("SELECT 1")
            passed("database")
            applied = await self._applied(connection, timeout_ms=int(budget_s * 1000))
        except psycopg.OperationalError:
            if loop.time() >= deadline:
                raise TimeoutError from None
            raise
        finally:
            cut.cancel()
            await connection.close()
        async with asyncio.timeout_at(deadline):
            on_disk = await offload("migrations", self._on_disk)
        if pending(on_disk=on_disk, applied=applied):
            raise PendingMigrations
        passed("migrations")

    async def _applied(self, connection: psycopg.AsyncConnection[Any], *, timeout_ms: int) -> set[Key]:
        # Two statements in one message are one transaction, so that behind a transaction-pooling proxy the timeout
        # does not stay with the server's connection. Without it every probe would leave a backend waiting behind a
        # migration that holds the table.
        cursor = await connection.execute(f"SET LOCAL statement_timeout = {timeout_ms}; {APPLIED_MIGRATIONS}".encode())
        cursor.nextset()
        return {(app, name) for app, name in await cursor.fetchall()}


def _shut(descriptor: int) -> None:
    """Wake whoever waits on the socket with an end of file. The descriptor stays libpq's to close."""
    with socket.socket(fileno=os.dup(descriptor)) as line:
        line.shutdown(socket.SHUT_RDWR)
