"""One statement whose values travel beside it and not in it, prepared where the connection may keep statements.

Django's cursor spells every value into the text, and PostgreSQL parses that text anew each time. For a statement that
is called all day with many arrays this costs more than the statement. PostgreSQL only: SQLite binds anyway."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection


@dataclass(frozen=True, slots=True)
class _Said:
    query: bytes


class _BoundCursor(psycopg.Cursor[tuple[Any, ...]]):
    """psycopg's own, on Django's connection and with its adapters."""

    def execute(self, query: Any, params: Any = None, **_: Any) -> "_BoundCursor":
        try:
            # Not kept where the connection's prepare_threshold is None: DB_PREPARED_STATEMENTS=false.
            return super().execute(query, params, prepare=True)
        finally:
            # Django's query log asks the cursor here, and psycopg forgets to note what it has prepared.
            if self._query is None:
                self._query = _Said(query.encode())  # type: ignore[assignment]


def fetch_bound(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All rows that it answers. One query; Django's errors, wrappers and query log, as with its own cursor.

    The text has to be the same at every call: each text, and each combination of types, is kept by the server."""
    connection.ensure_connection()
    connection.validate_thread_sharing()
    with connection.wrap_database_errors:
        raw = _BoundCursor(connection.connection)
    make = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with make(raw) as cursor:  # type: ignore[arg-type]  # wraps any cursor
        cursor.execute(statement, values)
        return list(cursor.fetchall())
