"""Before a period is closed: what is told, what blocks, and what passes over it."""

from datetime import timedelta
from uuid import UUID

import pytest

from stoa.apps.ledger.errors import PeriodNotReady
from stoa.apps.ledger.models import Period
from stoa.apps.ledger.services.holds import hold_funds
from stoa.apps.ledger.services.journal import AskedEntry, AskedLine
from stoa.apps.ledger.services.periods import add_period, close_period, period_checks
from stoa.apps.ledger.services.quarantine import cure_record, quarantine_entry
from stoa.apps.ledger.services.sealing import seal_entries
from stoa.apps.ledger.tests.factories import AT, Books
from stoa.apps.ledger.tests.test_http import Desk, desk  # noqa: F401 - a fixture
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_id, new_uuid
from stoa.platform.audit.models import AuditRecord
from stoa.platform.db.tenant import tenant_scope

pytestmark = pytest.mark.django_db
MONTH = timedelta(days=30)


@pytest.fixture
def books() -> Books:
    return Books()


def period(books: Books, number: int = 0) -> UUID:
    starts = AT + MONTH * number
    return add_period(book_id=books.id, name=f"P{number}", starts_at=starts, ends_at=starts + MONTH).id


def found(books: Books, which: UUID) -> dict[str, tuple[int, bool]]:
    told = period_checks(book_id=books.id, period_id=which).findings
    return {finding.kind: (finding.count, finding.blocks) for finding in told}


def test_a_quiet_period_has_nothing_to_look_at(books: Books) -> None:
    which = period(books)
    books.move("cash", "equity", 5)
    seal_entries()
    assert found(books, which) == {}
    assert close_period(book_id=books.id, period_id=which).is_closed


def test_everything_there_is_to_find(books: Books) -> None:
    earlier, which = period(books), period(books, 1)
    wrong = books.move("suspense", "equity", 5, at=AT + MONTH).entry_id
    books.move("cash", "equity", 100_00)
    until = utc_now() + timedelta(hours=1)
    hold_funds(book_id=books.id, account_id=books["cash"], amount_minor=5, key="h", expires_at=until)
    quarantine_entry(book_id=books.id, entry_id=wrong, reason="Odd", by=new_uuid())
    assert found(books, which) == {
        "quarantine": (1, True),
        "suspense": (1, True),
        "earlier_period": (1, False),
        "unsealed": (1, False),
        "holds": (1, False),
    }
    assert found(books, earlier) == {"unsealed": (1, False), "holds": (1, False)}


def test_what_blocks_wants_a_cure_or_a_reason(books: Books) -> None:
    which = period(books)
    wrong = books.move("suspense", "equity", 5).entry_id
    aside = quarantine_entry(book_id=books.id, entry_id=wrong, reason="Odd", by=new_uuid()).id
    with pytest.raises(PeriodNotReady) as refused:
        close_period(book_id=books.id, period_id=which)
    assert "'quarantine'" in str(refused.value.details)
    with tenant_scope(books.id):
        assert not Period.objects.get(pk=which).is_closed
    lines = [
        AskedLine(account_id=books["equity"], debit="0.05"),
        AskedLine(account_id=books["suspense"], credit="0.05"),
    ]
    cure_record(
        book_id=books.id,
        quarantine_id=aside,
        asked=AskedEntry(lines=lines, effective_at=AT),
        reason="Placed",
        key=new_id(),
        by=new_uuid(),
    )
    assert close_period(book_id=books.id, period_id=which).is_closed


def test_over_http(desk: Desk) -> None:  # noqa: F811
    made = {"name": "March", "starts_at": "2026-03-01T00:00:00Z", "ends_at": "2026-04-01T00:00:00Z"}
    which = desk.post("periods", made).data["id"]
    desk.post("entries", {"lines": desk.lines("1900", "3000", "5.00"), "effective_at": "2026-03-02T00:00:00Z"})
    [blocking] = [one for one in desk.read(f"periods/{which}/checks").data["findings"] if one["blocks"]]
    assert (blocking["kind"], blocking["count"]) == ("suspense", 1)
    refused = desk.post(f"periods/{which}/close")
    assert (refused.status, refused.code) == (409, "PERIOD_NOT_READY")
    assert [one["kind"] for one in refused.error["details"]["findings"]] == ["suspense"]  # type: ignore[index]
    assert desk.post(f"periods/{which}/close", {"reason": "The bank is asked"}).data["is_closed"] is True
    assert AuditRecord.objects.filter(action="ledger.period_closed").count() == 1
    assert desk.read(f"periods/{new_id()}/checks").code == "NOT_FOUND"
