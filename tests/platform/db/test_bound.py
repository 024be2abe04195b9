"""A bound statement is Django's in all but the way its values travel."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, ProgrammingError, connection
from django.test.utils import CaptureQueriesContext
from psycopg.types.numeric import Int2, Int8

from stoa.kit.clock import utc_now
from stoa.kit.ids import new_uuid
from stoa.platform.db.bound import fetch_bound
from stoa.platform.db.connection import django_databases
from stoa.platform.db.rows import fetch_rows
from stoa.platform.db.transactions import savepoint, transaction
from stoa.runtime.config.loader import load
from tests.probe.models import Note

pytestmark = pytest.mark.postgres
INSERT = """INSERT INTO probe_note (id, title, owner_id, amount_minor, currency, version, created_at)
VALUES (%s, %s, %s, 0, 'USD', 1, %s) RETURNING title"""


def insert(title: str, *, pk: UUID | None = None) -> list[tuple[Any, ...]]:
    return fetch_bound(INSERT, [pk or new_uuid(), title, new_uuid(), utc_now()])


def kept_by_the_server(word: str) -> int:
    [(count,)] = fetch_rows("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", [f"%{word}%"])
    return int(count)


@pytest.mark.parametrize(
    ("spelled", "value"),
    [
        ("uuid", UUID("0198c0de-0000-7000-8000-000000000001")),
        ("uuid", None),
        ("text", "it's 100 % \\ ☕"),
        ("text", ""),
        ("timestamptz", datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)),
        ("smallint", Int2(-1)),
        ("bigint", Int8(10**15)),
        ("bytea", bytes(range(256))),
        ("uuid[]", [UUID("0198c0de-0000-7000-8000-000000000001"), None]),
        ("uuid[]", [None]),
        ("text[]", ["", "{a,b}", 'say "no"', "NULL"]),
        ("timestamptz[]", [datetime(2026, 3, 14, 9, 26, 53, 1, tzinfo=UTC)]),
        ("smallint[]", [Int2(1), Int2(-1)]),
        ("bigint[]", [Int8(1), Int8(10**15)]),
        ("bytea[]", [b"\x00\xff", b""]),
    ],
)
def test_values_arrive_as_they_are(db: None, spelled: str, value: Any) -> None:
    [(found,)] = fetch_bound(f"SELECT %s::{spelled}", [value])
    assert found == value
    # As Django's own cursor reads them: the zone of a time too.
    [(by_django,)] = fetch_rows(f"SELECT %s::{spelled}", [value])
    assert (found, str(found)) == (by_django, str(by_django))


def test_the_server_keeps_it_once_whatever_the_values_are(db: None) -> None:
    for mine in (new_uuid(), new_uuid()):
        for minor in (1, 40_000, 10**15):
            assert fetch_bound("SELECT %s::uuid, %s::bigint AS kept_once", [mine, Int8(minor)]) == [(mine, minor)]
    assert kept_by_the_server("kept_once") == 1


def test_rows_of_one_are_not_answered_to_the_next(db: None) -> None:
    """One prepared statement serves every tenant: what it answers depends on the values of this call alone."""
    asked = "SELECT title FROM probe_note WHERE owner_id = %s"
    ours, theirs = (Note.objects.create(title=title, owner_id=new_uuid()) for title in ("ours", "theirs"))
    for _ in range(8):  # beyond the five after which PostgreSQL may keep one plan for all values
        assert fetch_bound(asked, [ours.owner_id]) == [("ours",)]
        assert fetch_bound(asked, [theirs.owner_id]) == [("theirs",)]
    assert fetch_bound(asked, [new_uuid()]) == []


def test_it_is_counted_and_shown_without_its_values(db: None) -> None:
    with CaptureQueriesContext(connection) as seen:
        insert("a secret of somebody's")
    [query] = seen.captured_queries
    assert "INSERT INTO probe_note" in query["sql"]
    assert "secret" not in query["sql"]


def test_wrappers_see_it_with_its_values_and_may_refuse_it(db: None) -> None:
    seen: list[tuple[str, Any, bool]] = []

    def watch(execute: Any, statement: str, values: Any, many: bool, context: Any) -> Any:
        seen.append((statement, values, many))
        if "refused" in values:
            raise PermissionError("not this one")
        return execute(statement, values, many, context)

    with connection.execute_wrapper(watch):
        insert("passes")
        with pytest.raises(PermissionError):
            insert("refused")
    assert [(statement, values[1], many) for statement, values, many in seen] == [
        (INSERT, "passes", False),
        (INSERT, "refused", False),
    ]
    assert list(Note.objects.values_list("title", flat=True)) == ["passes"]


def test_errors_are_djangos_with_psycopgs_as_the_cause(db: None) -> None:
    pk = new_uuid()
    insert("first", pk=pk)
    with transaction():
        with pytest.raises(IntegrityError) as refused, savepoint():
            insert("second", pk=pk)
        with pytest.raises(ProgrammingError), savepoint():
            fetch_bound("SELECT %s::uuid FROM no_such_table", [pk])
        with pytest.raises(DatabaseError), savepoint():
            fetch_bound("SELECT 1 / %s::int", [0])
        # The savepoints that were taken back cost the server's copy, and nothing else.
        assert insert("third") == [("third",)]
    assert getattr(refused.value.__cause__, "sqlstate", None) == "23505"
    assert set(Note.objects.values_list("title", flat=True)) == {"first", "third"}


def test_a_failed_transaction_is_not_gone_on_with(db: None) -> None:
    pk = new_uuid()
    with pytest.raises(ProgrammingError, match="An error occurred in the current transaction"), transaction():
        insert("first", pk=pk)
        with pytest.raises(IntegrityError), transaction():
            insert("second", pk=pk)
        insert("third")
    assert not Note.objects.exists()


def test_alone_it_commits_by_itself_and_inside_with_the_whole(committed_db: None) -> None:
    alone, inside = new_uuid(), new_uuid()
    insert("alone", pk=alone)

    class Fault(Exception):
        pass

    with pytest.raises(Fault), transaction():
        insert("inside", pk=inside)
        raise Fault
    connection.close()
    found = set(Note.objects.filter(pk__in=[alone, inside]).values_list("pk", flat=True))
    Note.objects.filter(pk=alone).delete()
    assert found == {alone}


def test_a_new_connection_prepares_anew(committed_db: None) -> None:
    asked = "SELECT %s::uuid AS after_reconnecting"
    fetch_bound(asked, [new_uuid()])
    assert kept_by_the_server("after_reconnecting") == 1
    connection.close()
    assert kept_by_the_server("after_reconnecting") == 0
    mine = new_uuid()
    assert fetch_bound(asked, [mine]) == [(mine,)]


def test_a_connection_that_the_server_ended_is_known_as_broken(committed_db: None) -> None:
    mine = new_uuid()
    with pytest.raises((OperationalError, InterfaceError)):
        fetch_bound("SELECT pg_terminate_backend(pg_backend_pid()), %s::uuid", [mine])
    assert connection.errors_occurred
    assert not connection.is_usable()
    connection.close_if_unusable_or_obsolete()
    assert fetch_bound("SELECT %s::uuid", [mine]) == [(mine,)]


@pytest.mark.parametrize(("told", "threshold"), [("true", 5), ("false", None)])
def test_the_setting_decides_whether_statements_are_kept(told: str, threshold: int | None) -> None:
    settings = load(
        environ={"DATABASE_URL": "postgresql://a@b/c", "DB_PREPARED_STATEMENTS": told}, dotenv=None
    ).settings
    assert django_databases(settings, "web")["default"]["OPTIONS"]["prepare_threshold"] == threshold


def test_behind_a_pooler_it_is_bound_and_not_kept(db: None) -> None:
    raw = connection.connection
    before, raw.prepare_threshold = raw.prepare_threshold, None
    try:
        mine = new_uuid()
        for _ in range(7):
            assert fetch_bound("SELECT %s::uuid AS never_kept", [mine]) == [(mine,)]
        assert kept_by_the_server("never_kept") == 0
    finally:
        raw.prepare_threshold = before
