"""Which migrations on disk the database has not seen."""

from collections.abc import Collection, Mapping
from functools import lru_cache

from django.db.migrations.loader import MigrationLoader

type Key = tuple[str, str]


class PendingMigrations(Exception):
    """The database is older than the code."""


@lru_cache(maxsize=1)
def migrations_on_disk() -> Mapping[Key, frozenset[Key]]:
    """(app, name) -> the migrations that it replaces. Imports every migration module once; apps must be loaded."""
    loader = MigrationLoader(None, load=False)
    loader.load_disk()
    return {key: frozenset(migration.replaces) for key, migration in loader.disk_migrations.items()}


def pending(*, on_disk: Mapping[Key, frozenset[Key]], applied: Collection[Key]) -> frozenset[Key]:
    """A squashed migration and what it replaces count as each other, as for Django's own planner.

    Rows without a file are ignored: they belong to a newer release that runs beside this one."""
    done = set(applied)
    for key, replaces in on_disk.items():
        if replaces and key in applied:
            done |= replaces
        elif replaces and replaces <= set(applied):
            done.add(key)
    return frozenset(on_disk.keys() - done)
