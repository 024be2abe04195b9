"""What fails a check is set aside, named by reports, and cured by an entry that may want a second person."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from stoa.apps.accounts.tests.factories import Person, make_person
from stoa.apps.ledger.contracts import CURE, Span
from stoa.apps.ledger.errors import AlreadyCured, KeyReused
from stoa.apps.ledger.models import Entry, Quarantined
from stoa.apps.ledger.queries import trial_balance
from stoa.apps.ledger.services import verifying
from stoa.apps.ledger.services.accounts import close_account
from stoa.apps.ledger.services.journal import AskedEntry, AskedLine
from stoa.apps.ledger.services.periods import add_period, close_period
from stoa.apps.ledger.services.quarantine import cure_record, quarantine_entry
from stoa.apps.ledger.services.reporting import balance_sheet, cash_flow, income_statement, tax_report
from stoa.apps.ledger.services.verifying import report_books, verify_books
from stoa.apps.ledger.tests.factories import AT, Books
from stoa.apps.ledger.tests.test_http import Desk, desk  # noqa: F401 - a fixture
from stoa.apps.ledger.tests.test_verifying import Scene, run, scene, unguarded  # noqa: F401 - a fixture
from stoa.apps.organizations.tests.factories import join
from stoa.kit.ids import new_id, new_uuid
from stoa.platform.approvals.errors import ApprovalWaiting
from stoa.platform.approvals.models import Approval
from stoa.platform.approvals.public import grant, refuse
from stoa.platform.audit.models import AuditRecord
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.outbox.models import OutboxEvent
from stoa.platform.outbox.values import stored_uuid
from stoa.platform.testing.client import ApiClient

pytestmark = pytest.mark.django_db
ANN, BOB = new_uuid(), new_uuid()


@pytest.fixture
def books() -> Books:
    return Books()


def asked(books: Books, to: str, source: str, amount: str, **of: Any) -> AskedEntry:
    lines = [AskedLine(account_id=books[to], debit=amount), AskedLine(account_id=books[source], credit=amount)]
    return AskedEntry(lines=lines, **of)


def set_one_aside(books: Books, amount: int = 70_00) -> tuple[UUID, UUID]:
    entry_id = books.move("cash", "sales_revenue", amount).entry_id
    made = quarantine_entry(book_id=books.id, entry_id=entry_id, reason="Twice the price", by=ANN)
    return entry_id, made.id


def entries(books: Books) -> int:
    with tenant_scope(books.id):
        return Entry.objects.count()


def test_reports_name_it_and_can_leave_it_out_with_its_cure(books: Books) -> None:
    books.move("cash", "equity", 100_00)
    entry_id, quarantine_id = set_one_aside(books)
    cured = cure_record(
        book_id=books.id,
        quarantine_id=quarantine_id,
        asked=asked(books, "sales_revenue", "cash", "35.00"),
        reason="Half of it back",
        key="cure",
        by=ANN,
    )
    assert (cured.is_cured, cured.cured_by, cured.cure_reason) == (True, ANN, "Half of it back")
    without = Span(without_quarantined=True)
    reports = [
        trial_balance(book_id=books.id),
        trial_balance(book_id=books.id, without_quarantined=True),
        balance_sheet(book_id=books.id),
        income_statement(book_id=books.id, span=Span()),
        cash_flow(book_id=books.id, span=Span()),
        tax_report(book_id=books.id, span=Span()),
    ]
    for report in reports:
        assert [(one.kind, one.subject, one.cure_id) for one in report.quarantined] == [  # type: ignore[attr-defined]
            ("by_hand", str(entry_id), cured.cure_id)
        ]

    def cash(told: Any) -> list[str]:
        return [row.balance.amount for row in told.rows if row.code == "1000"]

    assert cash(reports[0]) == ["135.00"]
    assert cash(reports[1]) == ["100.00"]
    assert [total.amount for total in income_statement(book_id=books.id, span=without).net_income] == []
    assert [total.amount for total in income_statement(book_id=books.id, span=Span()).net_income] == ["35.00"]
    sheet = balance_sheet(book_id=books.id, without_quarantined=True)
    assert [total.amount for total in sheet.assets.totals] == ["100.00"]
    assert [one.minor for one in sheet.difference] == [0]
    assert [one.amount for one in cash_flow(book_id=books.id, span=without).closing] == ["100.00"]


def test_above_the_limit_nothing_is_posted_until_somebody_else_says_yes(books: Books) -> None:
    _, quarantine_id = set_one_aside(books, 5_000_00)
    before = entries(books)
    what = asked(books, "sales_revenue", "cash", "1000.01", effective_at=AT, description="Back")
    waits = cure_record(
        book_id=books.id, quarantine_id=quarantine_id, asked=what, reason="Too much", key="cure", by=ANN
    )
    assert (waits.is_cured, entries(books)) == (False, before)
    assert waits.approval_id is not None
    with pytest.raises(ApprovalWaiting):
        cure_record(book_id=books.id, quarantine_id=quarantine_id, asked=what, reason="Again", key="other", by=BOB)
    told = grant(org_id=books.id, action=CURE, approval_id=waits.approval_id, by=BOB)
    assert (told.state, told.asked_by, told.decided_by) == ("granted", ANN, BOB)
    with tenant_scope(books.id):
        row = Quarantined.objects.select_related("cure").get(pk=quarantine_id)
        assert row.cure is not None
        assert (row.cured_by, row.cure_reason, row.cure.effective_at, row.cure.description) == (
            ANN,
            "Too much",
            AT,
            "Back",
        )
    assert entries(books) == before + 1
    acts = ["approvals.asked", "ledger.record_cured", "approvals.granted"]
    assert list(AuditRecord.objects.filter(action__in=acts).order_by("id").values_list("action", flat=True)) == acts
    assert verify_books(book_id=books.id).faults == ()


def test_a_limit_is_of_units_of_the_currency_of_each_cure(books: Books) -> None:
    for amount, waits in (("1000.00", False), ("1000.01", True)):
        _, quarantine_id = set_one_aside(books)
        what = asked(books, "sales_revenue", "cash", amount)
        told = cure_record(
            book_id=books.id, quarantine_id=quarantine_id, asked=what, reason="Why", key=new_id(), by=ANN
        )
        assert told.is_cured is not waits


def test_a_no_leaves_everything_as_it_was_and_one_may_ask_again(books: Books) -> None:
    _, quarantine_id = set_one_aside(books)
    before = entries(books)
    what = asked(books, "sales_revenue", "cash", "2000.00")
    for key in ("one", "two"):
        waits = cure_record(book_id=books.id, quarantine_id=quarantine_id, asked=what, reason="R", key=key, by=ANN)
        assert waits.approval_id is not None
        assert refuse(org_id=books.id, action=CURE, approval_id=waits.approval_id, by=BOB).state == "refused"
    assert entries(books) == before


def test_a_cure_is_posted_once_a_key(books: Books) -> None:
    _, quarantine_id = set_one_aside(books)
    before = entries(books)

    def cure(amount: str, key: str) -> UUID | None:
        what = asked(books, "sales_revenue", "cash", amount, effective_at=AT)
        return cure_record(
            book_id=books.id, quarantine_id=quarantine_id, asked=what, reason="R", key=key, by=ANN
        ).cure_id

    first = cure("5.00", "key")
    assert cure("5.00", "key") == first
    with pytest.raises(KeyReused):
        cure("6.00", "key")
    with pytest.raises(AlreadyCured):
        cure("5.00", "other")
    assert entries(books) == before + 1


def test_the_hourly_check_sets_aside_what_fails_once_and_a_cure_makes_it_known(scene: Scene) -> None:  # noqa: F811
    book_id = scene.books.id
    with unguarded():
        run(
            "UPDATE ledger_entry SET description = 'Nothing' WHERE id = %s",
            stored_uuid(scene.second),
        )
        run("UPDATE ledger_balance SET held_minor = 0 WHERE account_id = %s", stored_uuid(scene.purse))
        assert (report_books(), report_books()) == (2, 2)
        with tenant_scope(book_id):
            rows = {row.kind: row for row in Quarantined.objects.all()}
        assert {kind: (row.subject, row.entry_id, row.quarantined_by) for kind, row in rows.items()} == {
            "digest": (str(scene.second), scene.second, None),
            "held": (str(scene.purse), None, None),
        }
        assert OutboxEvent.objects.filter(name="ledger.record_quarantined").count() == 2
        cure_record(
            book_id=book_id,
            quarantine_id=rows["digest"].pk,
            asked=asked(scene.books, "cash", "equity", "1.00"),
            reason="Said so in the letter",
            key="cure",
            by=ANN,
        )
        verdict = verify_books(book_id=book_id)
        # The cure was posted without the rules, which adds faults of its own.
        faults = {(fault.kind, fault.subject) for fault in verdict.faults}
        assert ("held", str(scene.purse)) in faults
        assert ("digest", str(scene.second)) not in faults
        assert [(fault.kind, fault.subject) for fault in verdict.known] == [("digest", str(scene.second))]
        run("UPDATE ledger_entry SET description = 'Other' WHERE id = %s", stored_uuid(scene.second))
        assert verify_books(book_id=book_id).known == ()


def test_what_is_known_does_not_hide_the_next(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(verifying, "MOST_NAMED", 1)
    with unguarded():
        for number, entry_id in enumerate((scene.first, scene.second, scene.fourth), 1):
            run("UPDATE ledger_entry SET description = 'Nothing' WHERE id = %s", stored_uuid(entry_id))
            assert report_books() == number
        with tenant_scope(scene.books.id):
            assert Quarantined.objects.filter(kind="digest").count() == 3


def test_an_entry_cannot_make_good_what_is_no_entry(scene: Scene) -> None:  # noqa: F811
    """Else a balance that was cured could be moved again, and the check would say that it knows."""
    with unguarded():
        run("UPDATE ledger_balance SET held_minor = 0 WHERE account_id = %s", stored_uuid(scene.purse))
        assert report_books() == 1
        with tenant_scope(scene.books.id):
            row = Quarantined.objects.get()
        cure_record(
            book_id=scene.books.id,
            quarantine_id=row.pk,
            asked=asked(scene.books, "cash", "equity", "1.00"),
            reason="Said so in the letter",
            key="cure",
            by=ANN,
        )
        verdict = verify_books(book_id=scene.books.id)
        assert ("held", str(scene.purse)) in {(fault.kind, fault.subject) for fault in verdict.faults}
        assert verdict.known == ()


def test_a_missing_number_is_no_record_and_only_logged(scene: Scene) -> None:  # noqa: F811
    with unguarded():
        run("DELETE FROM ledger_seal WHERE book_id = %s AND seq = 2", stored_uuid(scene.books.id))
        assert report_books() == 3
        with tenant_scope(scene.books.id):
            assert set(Quarantined.objects.values_list("kind", flat=True)) == {"unsealed", "chain"}


class Office(Desk):
    """Two people who may approve, over HTTP."""

    def __init__(self, of: Desk) -> None:
        self.api, self.person, self.org_id, self.ids = of.api, of.person, of.org_id, of.ids
        self.second: Person = make_person("Bob")
        join(self.org_id, self.second, role="FINANCE")

    def aside(self, amount: str = "12.50") -> str:
        entry = self.post("entries", self.entry(amount)).data["id"]
        return str(self.post("quarantine", {"entry_id": entry, "reason": "Odd"}).data["id"])

    def cure(self, record: str, amount: str, **of: Any) -> Any:
        return self.post(
            f"quarantine/{record}/cure", {"lines": self.lines("3000", "1000", amount), "reason": "Mended", **of}
        )

    def as_second(self, path: str) -> Any:
        return self.api.bearer(self.second.access).send_json("POST", f"/api/v1/ledger/{path}", None)


@pytest.fixture
def office(desk: Desk) -> Office:  # noqa: F811
    return Office(desk)


def test_over_http_from_the_first_doubt_to_the_second_yes(office: Office) -> None:
    entry = office.post("entries", office.entry("5000.00")).data["id"]
    made = office.post("quarantine", {"entry_id": entry, "reason": "Odd"})
    assert (made.status, made.data["is_cured"], made.data["entry_id"]) == (201, False, entry)
    assert office.post("quarantine", {"entry_id": entry, "reason": "Odd"}).code == "ALREADY_QUARANTINED"
    assert office.post("quarantine", {"entry_id": new_id(), "reason": "Odd"}).code == "NOT_FOUND"
    record = made.data["id"]
    waits = office.cure(record, "2000.00")
    assert (waits.status, waits.data["is_cured"]) == (200, False)
    [told] = office.read("approvals", state="waiting").data
    assert told["id"] == waits.data["approval_id"]
    assert office.cure(record, "2000.00").code == "APPROVAL_WAITING"
    assert office.post(f"approvals/{told['id']}/grant").code == "OWN_APPROVAL"
    assert office.post(f"approvals/{told['id']}/refuse").code == "OWN_APPROVAL"
    assert office.written()[0] == 1
    assert office.as_second(f"approvals/{told['id']}/grant").data["state"] == "granted"
    assert office.as_second(f"approvals/{told['id']}/grant").code == "APPROVAL_DECIDED"
    assert office.as_second(f"approvals/{told['id']}/refuse").code == "APPROVAL_DECIDED"
    assert office.written()[0] == 2
    shown = office.read(f"quarantine/{record}").data
    assert shown["is_cured"] is True
    assert office.read("quarantine").data == [shown]
    assert office.cure(record, "1.00").code == "ALREADY_CURED"
    assert office.read("approvals", state="waiting").data == []
    trial = office.read("trial-balance").data
    assert [one["subject"] for one in trial["quarantined"]] == [entry]
    assert office.read("trial-balance", without_quarantined="true").data["rows"] == []


def test_what_a_cure_may_not_do_is_said_and_changes_nothing(office: Office) -> None:
    record = office.aside()
    past = AT - timedelta(days=400)
    period = add_period(book_id=office.org_id, name="Past", starts_at=past, ends_at=past + timedelta(days=30)).id
    close_period(book_id=office.org_id, period_id=period)
    at = (past + timedelta(days=1)).isoformat()
    closed = office.post("accounts", {"code": "9", "name": "Old", "type": "asset", "currency": "USD"}).data["id"]
    floored = {"code": "8", "name": "Purse", "type": "asset", "currency": "USD"}
    poor = office.post("accounts", {**floored, "floor": {"amount": "0.00", "currency": "USD"}}).data["id"]
    close_account(book_id=office.org_id, account_id=UUID(closed))
    before = office.written()
    one = {"account_id": office.ids["1000"], "debit": "5.00"}
    refusals: dict[str, dict[str, Any]] = {
        "PERIOD_CLOSED": {"effective_at": at},
        "CONTROL_ACCOUNT": {"lines": office.lines("1300", "1000", "5.00")},
        "ACCOUNT_CLOSED": {"lines": [one, {"account_id": closed, "credit": "5.00"}]},
        "INSUFFICIENT_FUNDS": {"lines": [one, {"account_id": poor, "credit": "5.00"}]},
        "UNKNOWN_ACCOUNT": {"lines": [one, {"account_id": new_id(), "credit": "5.00"}]},
        "UNBALANCED": {"lines": [one, {"account_id": office.ids["3000"], "credit": "6.00"}]},
        "VALIDATION_ERROR": {"reason": ""},
    }
    for code, of in refusals.items():
        assert office.cure(record, "5.00", **of).code == code, of
        # Above the limit, too: who asks hears it before a second person is asked.
        if "lines" not in of:
            assert office.cure(record, "5000.00", **of).code == code
    assert (
        office.post(f"quarantine/{new_id()}/cure", {"lines": office.lines("3000", "1000", "1.00"), "reason": "R"}).code
        == "NOT_FOUND"
    )
    assert (office.written(), asks_of(office)) == (before, 0)


def asks_of(office: Office) -> int:
    with tenant_scope(office.org_id):
        return Approval.objects.count()


def test_a_yes_that_runs_into_a_rule_stays_unsaid(office: Office) -> None:
    """What was possible when somebody asked may not be any more."""
    purse = {"code": "8", "name": "Purse", "type": "asset", "currency": "USD"}
    poor = office.post("accounts", {**purse, "floor": {"amount": "0.00", "currency": "USD"}}).data["id"]
    extra = office.post("accounts", {**purse, "code": "9"}).data["id"]
    fill = [{"account_id": poor, "debit": "5000.00"}, {"account_id": office.ids["3000"], "credit": "5000.00"}]
    office.post("entries", {"lines": fill})

    def ask(*lines: dict[str, str], **of: Any) -> str:
        return str(
            office.cure(office.aside(), "2000.00", **({"lines": list(lines)} if lines else {}), **of).data[
                "approval_id"
            ]
        )

    at = AT - timedelta(days=400)
    to_cash = {"account_id": office.ids["1000"], "debit": "2000.00"}
    late = ask(effective_at=(at + timedelta(days=1)).isoformat())
    shut = ask(to_cash, {"account_id": extra, "credit": "2000.00"})
    short = ask(to_cash, {"account_id": poor, "credit": "2000.00"})
    period = add_period(book_id=office.org_id, name="Past", starts_at=at, ends_at=at + timedelta(days=30)).id
    close_period(book_id=office.org_id, period_id=period)
    close_account(book_id=office.org_id, account_id=UUID(extra))
    office.post("entries", {"lines": [{"account_id": poor, "credit": "5000.00"}, {**to_cash, "debit": "5000.00"}]})
    before = office.written()
    for approval, code in ((late, "PERIOD_CLOSED"), (shut, "ACCOUNT_CLOSED"), (short, "INSUFFICIENT_FUNDS")):
        assert office.as_second(f"approvals/{approval}/grant").code == code
    assert office.written() == before
    assert {row["state"] for row in office.read("approvals").data} == {"waiting"}
    assert office.as_second(f"approvals/{late}/refuse").data["state"] == "refused"
    assert office.as_second(f"approvals/{new_id()}/grant").code == "NOT_FOUND"
    assert office.as_second(f"approvals/{new_id()}/refuse").code == "NOT_FOUND"


def test_a_yes_after_another_cure_is_refused(office: Office) -> None:
    record = office.aside()
    approval = office.cure(record, "2000.00").data["approval_id"]
    assert office.cure(record, "1.00").data["is_cured"] is True
    assert office.as_second(f"approvals/{approval}/grant").code == "ALREADY_CURED"


def test_only_who_may_approve_sees_and_does_it(office: Office, api: ApiClient) -> None:
    record = office.aside()
    clerk = make_person("Clerk")
    join(office.org_id, clerk, role="ACCOUNTANT")
    stranger = make_person("Eve")
    for person, status in ((clerk, 403), (stranger, 404)):
        answer = api.bearer(person.access).send_json(
            "POST",
            f"/api/v1/ledger/quarantine/{record}/cure",
            {},
            Idempotency_Key=new_id(),
            X_Org_Id=str(office.org_id),
        )
        assert answer.status == status
        assert api.bearer(person.access).read("/api/v1/ledger/approvals").status == 403
