"""A run of the suite has a database of its own, and its rows are seen only by those who should see them."""

import os
import re
from pathlib import Path

import pytest
from django.db import connection, connections

from stoa.platform.testing.databases import (
    name_of_this_run,
    on_postgres,
    refuse_foreign_database,
    url_of_test_database,
)
from stoa.platform.testing.races import run_together
from stoa.runtime.config.database_address import database_address
from stoa.runtime.config.loader import load

NAME = re.compile(r"test_stoa_\d{10}_\d+(\.sqlite3)?")


def test_its_name_says_test_stoa_and_no_two_processes_share_it() -> None:
    assert NAME.fullmatch(name_of_this_run())
    assert name_of_this_run().endswith(f"_{os.getpid()}")


@pytest.mark.django_db
def test_the_database_in_use_is_the_one_of_this_run() -> None:
    assert NAME.fullmatch(Path(connection.settings_dict["NAME"]).name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()" if on_postgres() else "SELECT file FROM pragma_database_list")
        assert NAME.fullmatch(Path(cursor.fetchone()[0]).name)


def test_a_database_of_anybody_else_is_refused(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "NAME", "stoa")
    with pytest.raises(RuntimeError, match="only databases whose name begins with test_stoa_"):
        refuse_foreign_database()


def test_the_url_for_a_served_process_names_the_same_database(committed_db: None) -> None:
    address = database_address(load(environ={"DATABASE_URL": url_of_test_database()}, dotenv=None).settings)
    used = connection.settings_dict
    assert address.name == str(used["NAME"])
    if on_postgres():
        assert (address.engine, address.host, address.user) == ("postgresql", used["HOST"], used["USER"])
        assert address.password == used["PASSWORD"]
    else:
        assert address.engine == "sqlite"


def test_committed_rows_are_seen_by_another_connection(committed_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE scratch (number integer)")
        cursor.execute("INSERT INTO scratch VALUES (7)")

    def total() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT sum(number) FROM scratch")
            return int(cursor.fetchone()[0])

    try:
        assert run_together(total)[0].result() == 7
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE scratch")
