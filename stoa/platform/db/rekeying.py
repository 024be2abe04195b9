"""Writing every encrypted value again under the first key, while others go on writing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection

from stoa.platform.db.encrypted_fields import Encrypted
from stoa.platform.db.transactions import transaction
from stoa.runtime.field_encryption import Undecryptable, decrypt, encrypt, first_key_id
from stoa.runtime.pause_points import pause_point

_PASSES = 20
"""A value that somebody wrote under an old key behind our back is found by the next pass."""


@dataclass(slots=True)
class Rekeyed:
    """Of one column. `changed_meanwhile`: somebody else wrote the row between our read and our write, and won."""

    column: str
    written: int = 0
    changed_meanwhile: int = 0
    unreadable: int = 0


def encrypted_fields() -> Iterator[Encrypted]:
    """Of every installed model, in the order of their tables."""
    for model in sorted(apps.get_models(), key=lambda each: each._meta.db_table):
        yield from (field for field in model._meta.local_fields if isinstance(field, Encrypted))


def rekey(*, batch: int, tell: Callable[[str], None]) -> list[Rekeyed]:
    """Every value that is not under the first key, in batches by primary key, a transaction each.

    What is done says so itself (its key's id), so a second run goes on where a killed one stopped. No row is locked:
    a value is replaced only while it is still the one that was read. Calls `tell` with a line for each batch."""
    return [_column(field, batch, tell) for field in encrypted_fields()]


def _column(field: Encrypted, batch: int, tell: Callable[[str], None]) -> Rekeyed:
    done = Rekeyed(f"{field.model._meta.db_table}.{field.column}")
    for _ in range(_PASSES):
        lost, done.unreadable, last = 0, 0, None
        while rows := _under_other_keys(field, last, batch):
            with transaction():
                for pk, stored in rows:
                    result = _one(field, pk, stored)
                    done.written += result is True
                    lost += result is False
                    done.unreadable += result is None
                pause_point("rekey.before_commit")
            last = rows[-1][0]
            tell(f"{done.column}: {done.written} written")
        done.changed_meanwhile += lost
        if not lost:
            break
    return done


def _under_other_keys(field: Encrypted, after: Any, limit: int) -> list[tuple[Any, str]]:
    """(primary key, stored) of the next values, the key as Python has it."""
    pk = field.model._meta.pk
    prefix = f"{first_key_id()}."
    column, key = connection.ops.quote_name(str(field.column)), connection.ops.quote_name(str(pk.column))
    beyond, place = ("", []) if after is None else (f"AND {key} > %s", [pk.get_db_prep_value(after, connection)])
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {key}, {column} FROM {connection.ops.quote_name(field.model._meta.db_table)} "
            f"WHERE {column} IS NOT NULL AND substr({column}, 1, {len(prefix)}) <> %s {beyond} ORDER BY {key} LIMIT %s",
            [prefix, *place, limit],
        )
        return [(pk.to_python(found), stored) for found, stored in cursor.fetchall()]


def _one(field: Encrypted, pk: Any, stored: str) -> bool | None:
    """False: somebody else wrote it meanwhile. None: no key of ours reads it."""
    place = field.place_of(pk)
    try:
        fresh = encrypt(decrypt(stored, place), place)
    except Undecryptable:
        return None
    pause_point("rekey.read")
    rows = connection.ops.quote_name(field.model._meta.db_table)
    column = connection.ops.quote_name(str(field.column))
    key = connection.ops.quote_name(str(field.model._meta.pk.column))
    same, expected = ("", []) if pause_point("rekey.compare") else (f"AND {column} = %s", [stored])
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {rows} SET {column} = %s WHERE {key} = %s {same}",
            [fresh, field.model._meta.pk.get_db_prep_value(pk, connection), *expected],
        )
        return bool(cursor.rowcount)
