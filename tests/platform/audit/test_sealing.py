"""What was committed is chained once, in order, and the head lies outside the database."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from stoa.kit.clock import utc_now
from stoa.platform.audit import sealing
from stoa.platform.audit.models import AuditDetail, AuditPending, AuditRecord, AuditSeal, AuditSegment
from stoa.platform.audit.recording import record
from stoa.platform.audit.sealing import TrailCutOff, adopt_end, seal_pending
from stoa.platform.audit.verifying import verify
from stoa.platform.db.transactions import transaction
from stoa.platform.testing.races import run_together
from stoa.runtime import context
from tests.platform.audit.trail import as_owner, run, write


@pytest.fixture
def head(tmp_path: Path) -> Path:
    return tmp_path / "a folder" / "head.json"


def test_an_act_says_who_what_and_what_changed_without_secrets(db: None) -> None:
    known = context.scope(request_id="r-1", user_id="ada", org_id="acme", address="203.0.113.7", agent="curl/8")
    with known, transaction():
        record(
            action="probe.renamed",
            object_type="note",
            object_id=7,
            before={"title": "old", "password": "hunter2-hunter2"},
            after={"title": "new", "nested": {"api_key": "hunter3-hunter3"}},
        )
    row = AuditRecord.objects.select_related("detail").get(request_id="r-1")
    assert (row.action, row.actor_id, row.org_id) == ("probe.renamed", "ada", "acme")
    assert (row.object_type, row.object_id, row.severity) == ("note", "7", "info")
    assert json.loads(row.detail.payload) == {
        "address": "203.0.113.7",
        "agent": "curl/8",
        "before": {"title": "old", "password": "***"},
        "after": {"title": "new", "nested": {"api_key": "***"}},
    }
    assert "203.0.113.7" not in "".join(str(getattr(row, field.name)) for field in AuditRecord._meta.local_fields)


def test_an_act_that_is_undone_leaves_nothing(db: None) -> None:
    with pytest.raises(ZeroDivisionError), transaction():
        record(action="probe.undone")
        raise ZeroDivisionError
    assert not AuditRecord.objects.filter(action="probe.undone").exists()
    assert not AuditPending.objects.exists()


def test_one_statement_writes_it_all(db: None, django_assert_num_queries) -> None:
    with transaction(), django_assert_num_queries(1 if connection.vendor == "postgresql" else 3):
        record(action="probe.counted", after={"a": 1})
    with transaction(), django_assert_num_queries(1 if connection.vendor == "postgresql" else 2):
        record(action="probe.counted")
    assert AuditDetail.objects.count() == 1


def test_everything_is_sealed_once_in_segments(db: None, head: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "ROWS_AT_ONCE", 4)
    write(10)
    assert seal_pending(path=head) == 10
    assert seal_pending(path=head) == 0
    assert list(AuditSeal.objects.order_by("seq").values_list("seq", flat=True)) == list(range(1, 11))
    assert list(AuditSegment.objects.order_by("id").values_list("first_seq", "last_seq")) == [(1, 4), (5, 8), (9, 10)]
    assert not AuditPending.objects.exists()
    report = verify(path=head)
    assert (report.rows, report.pending, report.fault, report.remarks) == (10, 0, "", [])


def test_a_head_that_was_not_written_any_more_is_mended(db: None, head: Path) -> None:
    write(2)
    seal_pending(path=head)
    first = head.read_text()
    write(1, first=2)
    seal_pending(path=head)
    second = json.loads(head.read_text())
    head.write_text(first)
    assert verify(path=head).fault == ""
    assert seal_pending(path=head) == 0
    mended = json.loads(head.read_text())
    assert (mended["seq"], mended["mac"]) == (3, second["mac"]) == (second["seq"], second["mac"])


def test_a_trail_that_was_cut_off_is_named_and_in_production_not_sealed_on(
    db: None, head: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(5)
    seal_pending(path=head)
    with as_owner():
        run("DELETE FROM audit_record WHERE id IN (SELECT record_id FROM audit_seal WHERE seq > 3)")
        run("DELETE FROM audit_detail WHERE record_id IN (SELECT record_id FROM audit_seal WHERE seq > 3)")
        run("DELETE FROM audit_seal WHERE seq > 3")
        mac = AuditSeal.objects.get(seq=3).mac
        run("UPDATE audit_segment SET last_seq = 3, mac = %s", mac)
    assert verify(path=head).fault == "row 4 was removed: the trail ends at row 3, its head file says 5"
    write(4, first=5)
    current = sealing.settings()
    monkeypatch.setattr(sealing, "settings", lambda: current.model_copy(update={"environment": "production"}))
    with pytest.raises(TrailCutOff, match="the head is row 5, the database ends at 3"):
        seal_pending(path=head)
    assert AuditPending.objects.count() == 4
    kept = adopt_end(path=head)
    assert kept is not None and json.loads(kept.read_text())["seq"] == 5
    assert verify(path=head).fault == ""
    assert AuditRecord.objects.filter(action="audit.end_adopted", severity="critical").count() == 1


@pytest.mark.parametrize("damage", ["{", '{"seq": 1}', "seq"])
def test_a_head_file_that_nobody_with_the_key_wrote_is_not_believed(db: None, head: Path, damage: str) -> None:
    write(2)
    seal_pending(path=head)
    written = json.loads(head.read_text())
    head.write_text(json.dumps({**written, "seq": 1}) if damage == "seq" else damage)
    assert verify(path=head).fault.startswith("the head file cannot be believed")


def test_without_a_head_file_it_says_what_it_cannot_know(db: None, head: Path) -> None:
    write(2)
    seal_pending(path=head)
    head.unlink()
    report = verify(path=head)
    assert report.fault == ""
    assert report.remarks == [f"no head file at {head}: whether the end is missing cannot be told"]


def test_rows_that_nobody_seals_are_told(db: None, head: Path) -> None:
    write(1)
    report = verify(path=head, now=utc_now() + timedelta(hours=1))
    assert report.pending == 1
    assert "1 rows wait to be sealed" in report.remarks[1]


@pytest.mark.race
def test_sealers_at_once_and_transactions_that_commit_late(committed_db: None, head: Path) -> None:
    """Eight writers and two sealers; the ids of the rows are not committed in order."""
    before = AuditSeal.objects.count()
    mine = f"race-{utc_now().timestamp()}"

    def writing() -> int:
        for number in range(25):
            write(2, actor=mine, first=number)
        return 50

    def sealing_on() -> int:
        return sum(seal_pending(path=head) for _ in range(40))

    outcomes = run_together(*[writing] * 8, *[sealing_on] * 2)
    written = sum(outcome.result() or 0 for outcome in outcomes[:8])
    seal_pending(path=head)
    assert written == 400
    assert AuditRecord.objects.filter(actor_id=mine).count() == 400
    assert AuditSeal.objects.count() - before >= 400
    assert not AuditPending.objects.exists()
    assert verify(path=head).fault == ""
