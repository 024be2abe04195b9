"""What retention and erasure delete, and that the rest goes on verifying."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError

from stoa.kit.clock import utc_now
from stoa.platform.audit import sealing
from stoa.platform.audit.models import AuditDetail, AuditPurge, AuditRecord, AuditSeal, AuditSegment
from stoa.platform.audit.retention import erase_details, purge_expired
from stoa.platform.audit.sealing import seal_pending
from stoa.platform.audit.verifying import verify
from stoa.platform.db.transactions import transaction
from tests.platform.audit.trail import as_owner, run, write


@pytest.fixture
def head(tmp_path: Path) -> Path:
    return tmp_path / "head.json"


def test_only_whole_segments_that_are_old_go(db: None, head: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "ROWS_AT_ONCE", 5)
    write(10)
    seal_pending(path=head)
    between = AuditRecord.objects.order_by("id").values_list("at", flat=True)[7]
    later = between + timedelta(days=365)
    assert purge_expired(now=later) == 1
    assert list(AuditSeal.objects.order_by("seq").values_list("seq", flat=True)) == [6, 7, 8, 9, 10]
    assert (AuditRecord.objects.count(), AuditDetail.objects.count(), AuditSegment.objects.count()) == (5, 5, 1)
    assert purge_expired(now=later) == 0
    report = verify(path=head)
    assert (report.rows, report.fault) == (5, "")


def test_everything_may_expire_and_the_chain_goes_on(db: None, head: Path) -> None:
    write(3)
    seal_pending(path=head)
    assert purge_expired(now=utc_now() + timedelta(days=366)) == 1
    assert AuditPurge.objects.get().to_seq == 3
    assert not AuditRecord.objects.exists()
    assert verify(path=head).fault == ""
    write(2, first=3)
    assert seal_pending(path=head) == 2
    assert list(AuditSeal.objects.order_by("seq").values_list("seq", flat=True)) == [4, 5]
    assert verify(path=head).fault == ""


def test_a_row_that_waits_to_be_sealed_never_expires(db: None, head: Path) -> None:
    write(3)
    assert purge_expired(now=utc_now() + timedelta(days=1000)) == 0
    assert AuditRecord.objects.count() == 3


def test_erasing_a_person_keeps_their_acts_and_the_chain(db: None, head: Path) -> None:
    write(3, actor="ada")
    write(2, actor="bob", first=3)
    seal_pending(path=head)
    assert erase_details(person_id="ada") == 3
    assert AuditRecord.objects.filter(actor_id="ada").count() == 3
    assert list(AuditDetail.objects.values_list("record__actor_id", flat=True)) == ["bob", "bob"]
    assert verify(path=head).fault == ""
    seal_pending(path=head)
    assert verify(path=head).rows == 6


def test_an_erasure_speaks_for_one_person_and_the_past_only(db: None, head: Path) -> None:
    write(1, actor="ada")
    seal_pending(path=head)
    erase_details(person_id="ada")
    write(1, actor="ada", first=1)
    write(1, actor="bob", first=2)
    seal_pending(path=head)
    ada, bob = AuditRecord.objects.filter(action="probe.written").order_by("id")[1:]
    for number in (bob.pk, ada.pk):
        with as_owner():
            run("DELETE FROM audit_detail WHERE record_id = %s", number)
        assert f"(record {number}): its detail was removed" in verify(path=head).fault


def test_erasure_that_is_undone_erases_nothing(db: None) -> None:
    write(1)
    with pytest.raises(ZeroDivisionError), transaction():
        assert erase_details(person_id="ada") == 1
        raise ZeroDivisionError
    assert AuditDetail.objects.count() == 1
    with pytest.raises(IntegrityError), transaction():
        run("DELETE FROM audit_detail")
