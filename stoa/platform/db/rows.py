"""Statements of ours that answer rows."""

from collections.abc import Sequence
from typing import Any

from django.db import connection


def fetch_rows(statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All that it answers: a SELECT, or what RETURNING says. One query."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
