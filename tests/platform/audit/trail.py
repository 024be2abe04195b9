"""Writing a trail and damaging it as only the owner of the database can: with the triggers off."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import transaction
from stoa.platform.db.triggers import install_triggers

TABLES = ("audit_record", "audit_detail", "audit_seal", "audit_segment", "audit_purge")


def write(count: int, *, actor: str = "ada", first: int = 0) -> None:
    with transaction():
        for number in range(first, first + count):
            record(
                action="probe.written",
                object_type="note",
                object_id=number,
                actor_id=actor,
                after={"title": f"note {number}"},
            )


@contextmanager
def as_owner() -> Iterator[None]:
    """The triggers are gone inside the block and back behind it."""
    with transaction(), connection.cursor() as cursor:
        for table in TABLES:
            if connection.vendor == "postgresql":
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            else:
                cursor.execute(f"DROP TRIGGER {table}_no_update")
                cursor.execute(f"DROP TRIGGER {table}_no_delete")
    yield
    with transaction(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for table in TABLES:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    install_triggers()


def run(sql: str, *values: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(values))
        return int(cursor.rowcount)


def value(sql: str, *values: object) -> object:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(values))
        return cursor.fetchone()[0]
