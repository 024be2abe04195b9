"""Two people who decide at once, two cures of one record, a decision and an ask: one of them happens. With twins."""

from uuid import UUID

import pytest
from django.db import IntegrityError

from stoa.apps.ledger.contracts import CURE, Fault, QuarantineView
from stoa.apps.ledger.errors import AlreadyCured
from stoa.apps.ledger.models import Entry, Quarantined
from stoa.apps.ledger.services.journal import AskedEntry, AskedLine
from stoa.apps.ledger.services.quarantine import cure_record, quarantine_entry, quarantine_faults
from stoa.apps.ledger.services.verifying import verify_books
from stoa.apps.ledger.tests.factories import AT, Books
from stoa.kit.ids import new_id, new_uuid
from stoa.platform.approvals.contracts import ApprovalView
from stoa.platform.approvals.errors import ApprovalDecided, ApprovalWaiting
from stoa.platform.approvals.public import approval_view, grant, refuse
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.testing.pausing import fault_at, meeting_at, skipped_at
from stoa.platform.testing.races import repeat_together, run_together

pytestmark = [pytest.mark.race, pytest.mark.usefixtures("committed_db")]


class Sick:
    """A book with one quarantined entry."""

    def __init__(self) -> None:
        self.books = Books()
        self.entry_id = self.books.move("cash", "sales_revenue", 70_00).entry_id
        made = quarantine_entry(book_id=self.books.id, entry_id=self.entry_id, reason="Odd", by=new_uuid())
        self.record = made.id

    def cure(self, amount: str = "5.00", key: str = "") -> QuarantineView:
        lines = [
            AskedLine(account_id=self.books["sales_revenue"], debit=amount),
            AskedLine(account_id=self.books["cash"], credit=amount),
        ]
        return cure_record(
            book_id=self.books.id,
            quarantine_id=self.record,
            asked=AskedEntry(lines=lines, effective_at=AT),
            reason="Back",
            key=key or new_id(),
            by=new_uuid(),
        )

    def ask(self) -> UUID:
        approval = self.cure("2000.00").approval_id
        assert approval is not None
        return approval

    def yes(self, approval: UUID) -> ApprovalView:
        return grant(org_id=self.books.id, action=CURE, approval_id=approval, by=new_uuid())

    def no(self, approval: UUID) -> ApprovalView:
        return refuse(org_id=self.books.id, action=CURE, approval_id=approval, by=new_uuid())

    @property
    def entries(self) -> int:
        with tenant_scope(self.books.id):
            return Entry.objects.count()


@pytest.fixture
def sick() -> Sick:
    return Sick()


def test_of_eight_who_say_yes_one_does_it(sick: Sick) -> None:
    approval = sick.ask()
    outcomes = repeat_together(8, lambda _: sick.yes(approval))
    assert [type(each.error) for each in outcomes if each.error] == [ApprovalDecided] * 7
    assert sick.entries == 2
    assert verify_books(book_id=sick.books.id).faults == ()


def test_their_twin_without_the_lock_is_stopped_by_the_database_alone(sick: Sick) -> None:
    approval = sick.ask()
    with skipped_at("approvals.lock"), meeting_at("approvals.read", parties=2, timeout_s=5):
        outcomes = repeat_together(2, lambda _: sick.yes(approval))
    assert [type(each.error) for each in outcomes if each.error] == [IntegrityError]
    assert sick.entries == 2


def test_of_a_yes_and_a_no_one_counts(sick: Sick) -> None:
    approval = sick.ask()
    outcomes = run_together(lambda: sick.yes(approval), lambda: sick.no(approval))
    assert [type(each.error) for each in outcomes if each.error] == [ApprovalDecided]
    with tenant_scope(sick.books.id):
        granted = approval_view(approval).state == "granted"
    assert sick.entries == 1 + granted


def test_of_two_cures_one_is_posted(sick: Sick) -> None:
    outcomes = repeat_together(4, lambda _: sick.cure())
    assert [type(each.error) for each in outcomes if each.error] == [AlreadyCured] * 3
    assert sick.entries == 2


def test_their_twin_without_the_lock_is_stopped_by_the_database_alone_too(sick: Sick) -> None:
    with skipped_at("ledger.lock_quarantine"), meeting_at("ledger.quarantine_read", parties=2, timeout_s=5):
        outcomes = repeat_together(2, lambda _: sick.cure())
    assert [type(each.error) for each in outcomes if each.error] == [IntegrityError]
    assert sick.entries == 2


def test_one_key_many_times_is_one_cure(sick: Sick) -> None:
    cures = {each.result().cure_id for each in repeat_together(8, lambda _: sick.cure(key="once"))}  # type: ignore[union-attr]
    assert (len(cures), sick.entries) == (1, 2)


def test_an_ask_and_a_yes_never_wait_for_each_other_in_a_circle(sick: Sick) -> None:
    for _ in range(10):
        one = Sick()
        approval = one.ask()
        outcomes = run_together(
            lambda one=one, approval=approval: one.yes(approval), lambda one=one: one.cure("3000.00")
        )  # type: ignore[misc]
        assert {type(each.error) for each in outcomes if each.error} <= {ApprovalWaiting, AlreadyCured}
        assert one.entries == 2


def test_who_dies_before_the_end_has_cured_nothing(sick: Sick) -> None:
    approval = sick.ask()
    for point in ("ledger.posted", "ledger.cured", "approvals.executed"):
        with fault_at(point, ZeroDivisionError), pytest.raises(ZeroDivisionError):
            sick.yes(approval)
        with tenant_scope(sick.books.id):
            assert approval_view(approval).state == "waiting"
            assert Quarantined.objects.get(pk=sick.record).cure_id is None
        assert sick.entries == 1
    assert sick.yes(approval).state == "granted"


def test_two_checks_at_once_set_a_record_aside_once(sick: Sick) -> None:
    entry_id = sick.books.move("cash", "equity", 5).entry_id
    fault = Fault(kind="digest", subject=str(entry_id), told="an entry is not as it was posted")
    outcomes = repeat_together(4, lambda _: quarantine_faults(faults=[fault]))
    assert sum(each.result() or 0 for each in outcomes) == 1
