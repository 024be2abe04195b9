"""The SQLite file, looked at in a daemon thread: a lock can be waited for with a limit, a dead file system cannot."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

from stoa.platform.health.checks import APPLIED_MIGRATIONS, DatabaseSettings, OnDisk, Passed
from stoa.platform.health.daemon_calls import offload
from stoa.platform.health.migrations import PendingMigrations, pending


class SqliteCheck:
    """Opens the file read-only, so that a missing one is a fault and not an empty database."""

    names = ("database", "migrations")

    def __init__(self, database: Callable[[], DatabaseSettings], *, on_disk: OnDisk) -> None:
        self._database = database
        self._on_disk = on_disk

    async def run(self, passed: Passed, *, budget_s: float) -> None:
        name = str(self._database()["NAME"])
        # A database in memory is named by a URI already; a file's name becomes one.
        uri = name if name.startswith("file:") else f"file:{_quoted(name)}?mode=ro"
        async with asyncio.timeout(budget_s):
            await self._read(uri, "SELECT 1 FROM sqlite_master LIMIT 1", budget_s)
            passed("database")
            applied = set(await self._read(uri, APPLIED_MIGRATIONS, budget_s))
            on_disk = await offload("migrations", self._on_disk)
        if pending(on_disk=on_disk, applied=applied):
            raise PendingMigrations
        passed("migrations")

    @staticmethod
    async def _read(uri: str, query: str, budget_s: float) -> list[Any]:
        def rows() -> list[Any]:
            with closing(sqlite3.connect(uri, uri=True, timeout=budget_s / 2)) as connection:
                return connection.execute(query).fetchall()

        return await offload((uri, query), rows)


def _quoted(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
