"""Values as the database in use stores them, for raw statements."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection


def stored_time(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)


def stored_uuid(value: UUID) -> UUID | str:
    return value if connection.features.has_native_uuid_field else value.hex


def read_uuid(stored: UUID | str) -> UUID:
    return stored if isinstance(stored, UUID) else UUID(stored)


def read_time(stored: datetime | str) -> datetime:
    """Aware UTC. A raw statement on SQLite answers without the zone, and as text what no field converts."""
    if isinstance(stored, str):
        stored = datetime.fromisoformat(stored)
    return stored if stored.tzinfo is not None else stored.replace(tzinfo=UTC)
