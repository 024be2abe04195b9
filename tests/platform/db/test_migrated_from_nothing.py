"""The database of a run is made by migrations alone, from nothing, on SQLite and on PostgreSQL."""

from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

pytestmark = pytest.mark.django_db


def test_migrations_alone_make_every_table_as_the_models_say() -> None:
    executor = MigrationExecutor(connection)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
    tables = set(connection.introspection.table_names())
    assert {model._meta.db_table for model in apps.get_models(include_auto_created=True)} <= tables
    call_command("makemigrations", check=True, dry_run=True, stdout=StringIO())  # exits when a model has moved on
