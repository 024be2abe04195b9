"""PostgreSQL over a connection of its own, driven by libpq's non-blocking calls.

psycopg's two connections will not do: the synchronous one waits at least 2 s to connect, and the asynchronous one leaves
the socket to the garbage collector when a connect is cancelled (seen: one a probe), and when a query is cancelled asks
the server, up to 5 s, to cancel it too. Here every wait ends with the task and the socket is closed in a `finally`.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Any

from psycopg import OperationalError, errors
from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo, ConnStatus, DiagnosticField, ExecStatus, PGconn, PollingStatus, abc

from stoa.platform.health.checks import APPLIED_MIGRATIONS, DatabaseSettings, OnDisk, Passed
from stoa.platform.health.daemon_calls import offload
from stoa.platform.health.migrations import Key, PendingMigrations, pending


class PostgresCheck:
    """Connects, asks for one row, reads the migrations. `database` is read anew each time: tests rename theirs."""

    names = ("database", "migrations")

    def __init__(self, database: Callable[[], DatabaseSettings], *, on_disk: OnDisk) -> None:
        self._database = database
        self._on_disk = on_disk

    async def run(self, passed: Passed, *, budget_s: float) -> None:
        async with asyncio.timeout(budget_s):
            words = await _resolved(connection_words(self._database()))
            line = PGconn.connect_start(make_conninfo("", **words).encode())
            try:
                await _connected(line)
                await _rows(line, b"SELECT 1")
                passed("database")
                applied = await _applied(line, timeout_ms=int(budget_s * 1000))
            finally:
                line.finish()
            on_disk = await offload("migrations", self._on_disk)
        if pending(on_disk=on_disk, applied=applied):
            raise PendingMigrations
        passed("migrations")


def connection_words(database: DatabaseSettings) -> dict[str, Any]:
    """libpq's words for Django's settings, TLS and start-up options included; Django's own options stay out."""
    keywords = {option.keyword.decode() for option in Conninfo.get_defaults()}
    words = {name: value for name, value in database.get("OPTIONS", {}).items() if name in keywords}
    named = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    words |= {word: database[name] for word, name in named.items() if database.get(name)}
    return {**words, "application_name": "stoa-health", "client_encoding": "UTF8"}


async def _resolved(words: dict[str, Any]) -> dict[str, Any]:
    """With the addresses of its hosts, which libpq itself would look up with everything standing still. The names stay:
    TLS compares them. Several hosts, or several addresses of one, are tried in order, by libpq."""
    if not words.get("host") or words.get("hostaddr"):
        return words
    hosts = str(words["host"]).split(",")
    ports = str(words.get("port") or "5432").split(",")
    tried: list[tuple[str, str, str]] = []
    loop = asyncio.get_running_loop()
    for host, port in zip(hosts, ports if len(ports) == len(hosts) else ports * len(hosts), strict=True):
        if host.startswith(("/", "@")):
            tried.append((host, "", port))
        else:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            tried.extend((host, str(address[4][0]), port) for address in found)
    columns = zip(*tried, strict=True)
    return {**words, **dict(zip(("host", "hostaddr", "port"), map(",".join, columns), strict=True))}


async def _connected(line: abc.PGconn) -> None:
    while line.status != ConnStatus.BAD:
        match line.connect_poll():
            case PollingStatus.OK:
                return
            case PollingStatus.READING:
                await _ready(line.socket)
            case PollingStatus.WRITING:
                await _ready(line.socket, to_write=True)
            case _:
                break
    raise OperationalError


async def _applied(line: abc.PGconn, *, timeout_ms: int) -> set[Key]:
    # Two statements in one message are one transaction, so that behind a transaction-pooling proxy the timeout does
    # not stay with the server's connection. Without it every probe would leave a backend waiting behind a migration
    # that holds the table.
    result = await _rows(line, f"SET LOCAL statement_timeout = {timeout_ms}; {APPLIED_MIGRATIONS}".encode())
    cells = ((result.get_value(row, 0) or b"", result.get_value(row, 1) or b"") for row in range(result.ntuples))
    return {(app.decode(), name.decode()) for app, name in cells}


async def _rows(line: abc.PGconn, statements: bytes) -> abc.PGresult:
    """The last result. Raises psycopg's class for the server's error code, without its message."""
    line.send_query(statements)
    results: list[abc.PGresult] = []
    while True:
        while line.is_busy():
            await _ready(line.socket)
            line.consume_input()
        result = line.get_result()
        if result is None:
            break
        results.append(result)
    _raise_first_fault(results)
    return results[-1]


def _raise_first_fault(results: Sequence[abc.PGresult]) -> None:
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            code = result.error_field(DiagnosticField.SQLSTATE)
            raise errors.lookup(code.decode()) if code else OperationalError
    if not results:
        raise OperationalError


async def _ready(descriptor: int, *, to_write: bool = False) -> None:
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not waiter.done():
            waiter.set_result(None)

    add, remove = (loop.add_writer, loop.remove_writer) if to_write else (loop.add_reader, loop.remove_reader)
    add(descriptor, wake)
    try:
        await waiter
    finally:
        remove(descriptor)
