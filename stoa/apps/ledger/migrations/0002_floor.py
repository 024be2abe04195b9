"""The CHECK under which no balance falls below its floor, on PostgreSQL. See `Balance` for SQLite's way."""

from django.db import migrations

_ADD = """ALTER TABLE ledger_balance ADD CONSTRAINT ledger_balance_floor
CHECK (floor_minor IS NULL OR (debit_minor - credit_minor) * normal - held_minor >= floor_minor)"""
_DROP = "ALTER TABLE ledger_balance DROP CONSTRAINT ledger_balance_floor"
_ROOMY = "ALTER TABLE ledger_balance SET (fillfactor = 50)"
"""So that the next version of a balance finds room on its page, and no index is touched."""


def add(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_ADD)
        schema_editor.execute(_ROOMY)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_DROP)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [migrations.RunPython(add, drop)]
