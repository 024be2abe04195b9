"""Telling the platform which triggers and functions the ledger cannot be without: a missing one stops the start."""

from stoa.apps.ledger.services.rules import postgresql, sqlite
from stoa.apps.ledger.services.rules.checkpoints import declare_checkpoint_rules
from stoa.platform.db.triggers import Trigger, declare, declare_append_only, declare_function

APPEND_ONLY = ("ledger_entry", "ledger_line", "ledger_seal", "ledger_rate")


def declare_rules() -> None:
    """Called once, when Django is ready."""
    for name, statement in postgresql.FUNCTIONS.items():
        declare_function(name, statement, table="ledger_entry")
    for table in APPEND_ONLY:
        declare_append_only(table)
    for name in sorted({*sqlite.TRIGGERS, *postgresql.TRIGGERS, *postgresql.CONSTRAINT_TRIGGERS}):
        declare(_trigger(name))
    declare_checkpoint_rules()


def _trigger(name: str) -> Trigger:
    table, on_sqlite = sqlite.TRIGGERS.get(name, ("", ""))
    other_table, on_postgresql = postgresql.TRIGGERS.get(name, ("", ""))
    if name in postgresql.CONSTRAINT_TRIGGERS:
        other_table, on_postgresql = postgresql.CONSTRAINT_TRIGGERS[name]
    word = "CREATE CONSTRAINT TRIGGER" if name in postgresql.CONSTRAINT_TRIGGERS else "CREATE TRIGGER"
    return Trigger(
        name,
        table or other_table,
        sqlite=on_sqlite and f"CREATE TRIGGER {name} {on_sqlite}",
        postgresql=on_postgresql and f"{word} {name} {on_postgresql}",
    )
