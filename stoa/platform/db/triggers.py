"""Triggers and functions: declared once, installed after every migrate, looked for at every start.

A migration could create them, but SQLite changes a table by building a new one, and the triggers of the old one go
with it without a word.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import AppConfig
from django.db import OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.signals import post_migrate  # noqa: TID251 - Django's word that a migrate ended, not between apps

from stoa.platform.db.transactions import transaction
from stoa.runtime.logs import get_logger

log = get_logger(__name__)


class MissingTriggers(RuntimeError):
    """A rule that the database has to keep is kept by nobody. `manage.py migrate` installs it again."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """The statement that creates it, for each database. A changed rule is a trigger with a new name."""

    name: str
    table: str
    sqlite: str
    postgresql: str


_declared: dict[str, Trigger] = {}
_functions: dict[str, tuple[str, str]] = {}

_FUNCTION = """CREATE OR REPLACE FUNCTION stoa_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE permitted boolean := false;
BEGIN
  IF TG_OP = 'DELETE' AND TG_NARGS > 0 THEN
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', TG_ARGV[0]) INTO permitted;
  END IF;
  IF permitted THEN RETURN OLD; END IF;
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$"""


def declare(trigger: Trigger) -> None:
    _declared[trigger.name] = trigger


def declare_function(name: str, postgresql: str, *, table: str) -> None:
    """A function on PostgreSQL, made before the triggers and wanted once `table` is there. Its name carries its version:
    a changed one is another."""
    _functions[name] = (postgresql, table)


def declare_append_only(table: str, *, permit: str = "") -> None:
    """Refuse UPDATE, DELETE and TRUNCATE of the table, for every role, with an IntegrityError.

    DELETE passes while the table `permit` holds a row: whoever may delete puts one there and takes it away in the same
    transaction, so that no other transaction on PostgreSQL sees it."""
    for event in ("update", "delete", "truncate"):
        declare(_refusing(table, event, permit))


def _refusing(table: str, event: str, permit: str) -> Trigger:
    name = f"{table}_no_{event}"
    unless = f"WHEN NOT EXISTS (SELECT 1 FROM {permit})" if permit and event == "delete" else ""  # noqa: S608 - our own names
    scope = "STATEMENT" if event == "truncate" else "ROW"
    argument = f"'{permit}'" if permit and event == "delete" else ""
    return Trigger(
        name,
        table,
        # SQLite has no TRUNCATE: a DELETE of all rows fires the other trigger.
        sqlite=""
        if event == "truncate"
        else f"CREATE TRIGGER {name} BEFORE {event.upper()} ON {table} {unless} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
        postgresql=f"CREATE TRIGGER {name} BEFORE {event.upper()} ON {table} "
        f"FOR EACH {scope} EXECUTE FUNCTION stoa_append_only({argument})",
    )


def missing_triggers(of: BaseDatabaseWrapper = connection) -> list[Trigger]:
    """Declared, its table exists, and it is not there or is switched off. One query."""
    with of.cursor() as cursor:
        if of.vendor == "postgresql":
            cursor.execute(
                "SELECT relation.relname, trigger.tgname FROM pg_class AS relation "
                "JOIN pg_namespace AS space ON space.oid = relation.relnamespace "
                "LEFT JOIN pg_trigger AS trigger ON trigger.tgrelid = relation.oid AND trigger.tgenabled <> 'D' "
                "WHERE relation.relkind = 'r' AND space.nspname = ANY (current_schemas(false))"
            )
        else:
            cursor.execute("SELECT tbl_name, CASE type WHEN 'trigger' THEN name END FROM sqlite_master")
        found = cursor.fetchall()
    tables, names = {row[0] for row in found}, {row[1] for row in found}
    return [each for each in _for(of) if each.table in tables and each.name not in names]


def missing_functions(of: BaseDatabaseWrapper = connection) -> list[str]:
    if of.vendor != "postgresql" or not _functions:
        return []
    with of.cursor() as cursor:
        cursor.execute(
            "SELECT proname FROM pg_proc JOIN pg_namespace AS space ON space.oid = pronamespace "
            "WHERE proname = ANY (%s) AND space.nspname = ANY (current_schemas(false))",
            [list(_functions)],
        )
        found = {row[0] for row in cursor.fetchall()}
        cursor.execute(
            "SELECT relname FROM pg_class JOIN pg_namespace AS space ON space.oid = relnamespace "
            "WHERE relname = ANY (%s) AND space.nspname = ANY (current_schemas(false))",
            [[table for _, table in _functions.values()]],
        )
        tables = {row[0] for row in cursor.fetchall()}
    return [name for name, (_, table) in _functions.items() if name not in found and table in tables]


def _for(of: BaseDatabaseWrapper) -> Iterator[Trigger]:
    """Those that this database has: a rule may need one on SQLite and two on PostgreSQL."""
    postgresql = of.vendor == "postgresql"
    return (each for each in _declared.values() if (each.postgresql if postgresql else each.sqlite))


def install_triggers(of: BaseDatabaseWrapper = connection) -> list[str]:
    """Create what is missing; returns the names. Those in place are left alone: creating one locks its table."""
    missing = missing_triggers(of)
    functions = missing_functions(of)
    if missing or functions:
        with transaction(), of.cursor() as cursor:
            if of.vendor == "postgresql":
                cursor.execute(_FUNCTION)
            for name in functions:
                cursor.execute(_functions[name][0])
            for each in missing:
                if of.vendor == "postgresql":
                    cursor.execute(f"DROP TRIGGER IF EXISTS {each.name} ON {each.table}")
                cursor.execute(each.postgresql if of.vendor == "postgresql" else each.sqlite)
    return [*functions, *(each.name for each in missing)]


def require_triggers() -> None:
    """At every start. Raises MissingTriggers. Tables that were not migrated yet are readiness's to report, and so is a
    database that does not answer."""
    try:
        missing = [each.name for each in missing_triggers()]
        missing += missing_functions()
    except OperationalError as error:
        log.warning("triggers were not looked for: no database", error=type(error).__name__)
        return
    if missing:
        raise MissingTriggers(
            f"missing in the database: {', '.join(missing)}; `python manage.py migrate` installs them"
        )


def install_after_migrate(app: AppConfig) -> None:
    """Called once, from the `ready()` of one app: Django sends the signal for each app, after all of its migrations."""
    post_migrate.connect(_install, sender=app, dispatch_uid="stoa.platform.db.triggers")


def _install(*, using: str, **_: object) -> None:
    install_triggers(connections[using])
