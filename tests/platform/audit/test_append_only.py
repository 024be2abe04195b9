"""The trail's tables refuse every change, and a trigger that is gone is noticed."""

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection

from stoa.platform.audit.recording import record
from stoa.platform.audit.sealing import seal_pending
from stoa.platform.audit.statements import permit_to_delete
from stoa.platform.db import transactions
from stoa.platform.db.transactions import transaction
from stoa.platform.db.triggers import MissingTriggers, install_triggers, missing_triggers, require_triggers
from tests.platform.audit.trail import TABLES, run, value, write

COLUMNS = {"audit_record": "actor_id", "audit_detail": "payload", "audit_seal": "mac", "audit_segment": "mac"}


@pytest.mark.parametrize("table", sorted(COLUMNS))
def test_no_row_is_changed_or_deleted(db: None, tmp_path, table: str) -> None:
    write(2)
    seal_pending(path=tmp_path / "head.json")
    before = value(f"SELECT count(*) FROM {table}")
    for statement in (f"UPDATE {table} SET {COLUMNS[table]} = 'x'", f"DELETE FROM {table}"):
        with pytest.raises(IntegrityError, match=f"{table} is append-only"), transaction():
            run(statement)
    assert value(f"SELECT count(*) FROM {table}") == before > 0
    assert value(f"SELECT count(*) FROM {table} WHERE {COLUMNS[table]} = 'x'") == 0


@pytest.mark.postgres
@pytest.mark.parametrize("table", TABLES)
def test_no_table_is_truncated(db: None, table: str) -> None:
    with pytest.raises(IntegrityError, match=f"{table} is append-only"), transaction():
        run(f"TRUNCATE {table} CASCADE")


def test_replacing_a_row_is_deleting_it(db: None) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("SQLite's own statement")
    write(1)
    number = value("SELECT max(id) FROM audit_record")
    with pytest.raises(IntegrityError, match="append-only"), transaction():
        run("REPLACE INTO audit_detail (record_id, salt, payload) VALUES (%s, 'x', 'x')", number)


def test_a_permit_ends_with_its_block(db: None) -> None:
    write(1)
    with transaction():
        with permit_to_delete("a test"):
            assert run("DELETE FROM audit_detail") == 1
        write(1)
        assert value("SELECT count(*) FROM audit_permit") == 0
    with pytest.raises(IntegrityError, match="append-only"), transaction():
        run("DELETE FROM audit_detail")


def test_a_missing_trigger_stops_the_start_and_migrate_puts_it_back(db: None) -> None:
    assert missing_triggers() == []
    suffix = " ON audit_seal" if connection.vendor == "postgresql" else ""
    run(f"DROP TRIGGER audit_seal_no_update{suffix}")
    with pytest.raises(MissingTriggers, match="missing in the database: audit_seal_no_update; `python"):
        require_triggers()
    assert install_triggers() == ["audit_seal_no_update"]
    require_triggers()


@pytest.mark.postgres
def test_a_trigger_that_is_switched_off_is_missing(db: None) -> None:
    run("ALTER TABLE audit_record DISABLE TRIGGER audit_record_no_delete")
    assert [each.name for each in missing_triggers()] == ["audit_record_no_delete"]
    assert install_triggers() == ["audit_record_no_delete"]
    assert missing_triggers() == []


def test_a_migrate_puts_back_what_a_table_rebuild_took(db: None) -> None:
    """What SQLite does when a column changes: a new table in the old one's place, without its triggers."""
    run("ALTER TABLE audit_purge RENAME TO audit_purge_old")
    run("CREATE TABLE audit_purge AS SELECT * FROM audit_purge_old")
    run("DROP TABLE audit_purge_old")
    assert {each.name for each in missing_triggers()} >= {"audit_purge_no_update", "audit_purge_no_delete"}
    call_command("migrate", verbosity=0)
    assert missing_triggers() == []


def test_outside_a_transaction_nothing_is_recorded(db: None) -> None:
    assert transactions.transaction_depth() == 0
    with pytest.raises(RuntimeError, match=r"probe\.done outside transaction"):
        record(action="probe.done")
    assert value("SELECT count(*) FROM audit_record WHERE action = 'probe.done'") == 0
