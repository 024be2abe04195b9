"""The ledger over HTTP: what an accountant's program may send, and what it is told."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from stoa.apps.accounts.tests.factories import Person, make_person
from stoa.apps.ledger.models import Account, Entry, Hold, Line
from stoa.apps.ledger.tests.factories import Books
from stoa.apps.organizations.tests.factories import make_organization
from stoa.kit.clock import isoformat, utc_now
from stoa.kit.ids import new_id
from stoa.platform.audit.models import AuditRecord
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.testing.client import ApiClient, Envelope

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/ledger"


class Desk:
    """An accountant with an organization's books."""

    def __init__(self, api: ApiClient, person: Person, org_id: UUID) -> None:
        self.api, self.person, self.org_id = api, person, org_id
        rows = self.read("accounts", limit=100).data
        self.ids: dict[str, str] = {row["code"]: row["id"] for row in rows}

    def read(self, path: str, **query: str | int) -> Envelope:
        return self.api.bearer(self.person.access).read(f"{ROOT}/{path}", **query)

    def post(self, path: str, body: Any = None, *, key: str = "", method: str = "POST") -> Envelope:
        headers = {"Idempotency_Key": key or new_id()}
        return self.api.bearer(self.person.access).send_json(method, f"{ROOT}/{path}", body, **headers)

    def lines(self, debit: str, credit: str, amount: str) -> list[dict[str, Any]]:
        return [
            {"account_id": self.ids[debit], "debit": amount},
            {"account_id": self.ids[credit], "credit": amount},
        ]

    def entry(self, amount: str = "12.50", **fields: Any) -> dict[str, Any]:
        return {"lines": self.lines("1000", "3000", amount), **fields}

    def written(self) -> tuple[int, int, int]:
        with tenant_scope(self.org_id):
            return Entry.objects.count(), Line.objects.count(), Hold.objects.count()


@pytest.fixture
def desk(api: ApiClient) -> Desk:
    person = make_person("Ann")
    return Desk(api, person, make_organization(person))


def test_the_chart_is_there_when_one_looks(desk: Desk) -> None:
    rows = desk.read("accounts", limit=100).data
    assert [row["code"] for row in rows] == sorted(row["code"] for row in rows)
    assert {"cash", "bank", "sales_revenue", "cogs", "suspense", "clearing_stripe"} <= {row["role"] for row in rows}
    assert rows[0]["balance"] == {"amount": "0.00", "currency": "USD"}


def test_an_entry_is_posted_once_a_key(desk: Desk) -> None:
    key = new_id()
    first = desk.post("entries", desk.entry(description="Opening"), key=key)
    assert first.status == 201, first.data
    assert desk.post("entries", desk.entry(description="Opening"), key=key).data["id"] == first.data["id"]
    assert desk.post("entries", desk.entry("13.00"), key=key).code == "IDEMPOTENCY_MISMATCH"
    assert desk.written() == (1, 2, 0)
    assert [line["side"] for line in first.data["lines"]] == ["debit", "credit"]
    assert desk.read(f"entries/{first.data['id']}").data == first.data
    assert [row["id"] for row in desk.read("entries").data] == [first.data["id"]]
    assert AuditRecord.objects.filter(action="ledger.entry_posted").count() == 1


def test_either_form_of_a_line(desk: Desk) -> None:
    money = {"amount": "5.00", "currency": "USD"}
    lines = [
        {"account_id": desk.ids["1000"], "side": "debit", "amount": money, "description": "till"},
        {"account_id": desk.ids["3000"], "debit": "0", "credit": "5.00"},
    ]
    told = desk.post("entries", {"lines": lines}).data["lines"]
    assert [(line["amount"], line["memo"]) for line in told] == [(money, "till"), (money, "")]


def _lines(change: Callable[[list[dict[str, Any]]], object]) -> Callable[[Desk], dict[str, Any]]:
    def make(desk: Desk) -> dict[str, Any]:
        lines = desk.lines("1000", "3000", "12.50")
        change(lines)
        return {"lines": lines}

    return make


BAD: dict[str, tuple[Callable[[Desk], dict[str, Any]], str]] = {
    "amount 0": (lambda desk: desk.entry("0"), "VALIDATION_ERROR"),
    "negative": (lambda desk: desk.entry("-1.00"), "VALIDATION_ERROR"),
    "too many decimals": (lambda desk: desk.entry("1.001"), "VALIDATION_ERROR"),
    "NaN": (lambda desk: desk.entry("NaN"), "VALIDATION_ERROR"),
    "an exponent": (lambda desk: desk.entry("1e3"), "VALIDATION_ERROR"),
    "10^30": (lambda desk: desk.entry("1" + "0" * 30), "VALIDATION_ERROR"),
    "a number": (_lines(lambda lines: lines[0].update(debit=12.5)), "VALIDATION_ERROR"),
    "both sides": (_lines(lambda lines: lines[0].update(credit="12.50")), "VALIDATION_ERROR"),
    "neither side": (_lines(lambda lines: lines[0].pop("debit")), "VALIDATION_ERROR"),
    "one line": (_lines(lambda lines: lines.pop()), "VALIDATION_ERROR"),
    "1,001 lines": (_lines(lambda lines: lines.extend(lines * 500)), "VALIDATION_ERROR"),
    "no account": (_lines(lambda lines: lines[0].update(account_id=new_id())), "UNKNOWN_ACCOUNT"),
    "unbalanced": (_lines(lambda lines: lines[0].update(debit="12.51")), "UNBALANCED"),
    "unknown currency": (
        _lines(lambda lines: lines[0].update(debit=None, side="debit", amount={"amount": "1", "currency": "ZZZ"})),
        "VALIDATION_ERROR",
    ),
    "another currency": (
        lambda desk: {
            "lines": [
                {"account_id": desk.ids[code], "side": side, "amount": {"amount": "1.00", "currency": "EUR"}}
                for code, side in (("1000", "debit"), ("3000", "credit"))
            ]
        },
        "CURRENCY_MISMATCH",
    ),
    "control account": (lambda desk: {"lines": desk.lines("1300", "1000", "5.00")}, "CONTROL_ACCOUNT"),
    "year 1800": (lambda desk: desk.entry(effective_at="1800-01-01T00:00:00Z"), "VALIDATION_ERROR"),
    "year 9999": (lambda desk: desk.entry(effective_at="9999-01-01T00:00:00Z"), "VALIDATION_ERROR"),
    "no zone": (lambda desk: desk.entry(effective_at="2026-01-01T00:00:00"), "VALIDATION_ERROR"),
    "long description": (lambda desk: desk.entry(description="x" * 501), "VALIDATION_ERROR"),
    "unknown field": (lambda desk: desk.entry(posted=True), "VALIDATION_ERROR"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_entries_are_refused_and_nothing_is_written(desk: Desk, name: str) -> None:
    make, code = BAD[name]
    answers = [desk.post(path, make(desk)) for path in ("entries", "entries/dry-run")]
    answers.append(desk.post("batches", {"entries": [desk.entry(), make(desk)]}))
    assert [(each.status // 100, each.code) for each in answers] == [(4, code)] * 3
    assert desk.written() == (0, 0, 0)


def test_an_account_of_another_organization_is_unknown(desk: Desk) -> None:
    other = Books()
    lines = desk.lines("1000", "3000", "1.00")
    lines[0]["account_id"] = str(other["cash"])
    assert desk.post("entries", {"lines": lines}).code == "UNKNOWN_ACCOUNT"
    assert desk.read(f"accounts/{other['cash']}").status == 404
    assert desk.written() == (0, 0, 0)


def test_keys_that_are_none(desk: Desk) -> None:
    assert desk.post("entries", desk.entry(), key="k" * 256).status == 400
    bare = desk.api.bearer(desk.person.access).send_json("POST", f"{ROOT}/entries", desk.entry())
    assert bare.code == "IDEMPOTENCY_KEY_REQUIRED"
    assert desk.written() == (0, 0, 0)
    assert desk.post("entries", desk.entry(), key="k" * 255).status == 201


def test_a_dry_run_answers_and_keeps_nothing(desk: Desk) -> None:
    told = desk.post("entries/dry-run", desk.entry())
    assert (told.status, told.data["lines"][0]["amount"]["amount"]) == (200, "12.50")
    assert desk.written() == (0, 0, 0)
    assert AuditRecord.objects.filter(action="ledger.entry_posted").count() == 0


def test_a_batch_that_is_not_atomic_says_of_each(desk: Desk) -> None:
    key, body = new_id(), {"entries": [desk.entry(), desk.entry("0"), desk.entry("7.00")], "atomic": False}
    items = desk.post("batches", body, key=key).data["items"]
    assert [item["code"] for item in items] == ["", "VALIDATION_ERROR", ""]
    assert desk.written() == (2, 4, 0)
    assert [each["id"] for each in desk.read("entries").data] == [items[2]["entry_id"], items[0]["entry_id"]]


def test_a_reversal(desk: Desk) -> None:
    entry = desk.post("entries", desk.entry()).data
    taken_back = desk.post(f"entries/{entry['id']}/reverse", {"reason": "Twice entered."})
    assert (taken_back.status, taken_back.data["reverses_id"]) == (201, entry["id"])
    assert desk.read(f"entries/{entry['id']}").data["reversed_by_id"] == taken_back.data["id"]
    assert desk.post(f"entries/{entry['id']}/reverse", {"reason": "Again."}).code == "ALREADY_REVERSED"
    later = desk.post(f"entries/{taken_back.data['id']}/reverse", {"reason": "Back."})
    assert later.code == "REVERSAL_OF_REVERSAL"
    assert desk.post(f"entries/{new_id()}/reverse", {"reason": "What?"}).status == 404
    assert desk.written() == (2, 4, 0)


def test_accounts_are_opened_renamed_and_closed(desk: Desk) -> None:
    body = {"code": "1050", "name": "Petty cash", "type": "asset", "currency": "EUR", "parent_id": desk.ids["1000"]}
    made = desk.post("accounts", body)
    assert (made.status, made.data["balance"]["currency"]) == (201, "EUR")
    assert desk.post("accounts", body).code == "ACCOUNT_CODE_TAKEN"
    path = f"accounts/{made.data['id']}"
    assert desk.post(path, {"name": "Till"}, method="PATCH").data["name"] == "Till"
    assert not desk.post(f"{path}/close").data["is_open"]
    assert desk.post(f"{path}/reopen").data["is_open"]
    assert desk.post(f"accounts/{desk.ids['1000']}/close").code == "SYSTEM_ACCOUNT"
    other = desk.post("accounts", body | {"code": "1051", "parent_id": desk.ids["4000"]})
    assert set(other.fields) == {"parent_id"}
    assert set(desk.post("accounts", body | {"code": "1052", "currency": "ZZZ"}).fields) == {"currency"}
    floor = {"amount": "0.00", "currency": "USD"}
    assert set(desk.post("accounts", body | {"code": "1053", "floor": floor}).fields) == {"floor"}
    with tenant_scope(desk.org_id):
        assert Account.objects.filter(code__startswith="105").count() == 1


def test_a_closed_period_refuses_and_opens_again(desk: Desk) -> None:
    now = utc_now()
    span = {"starts_at": isoformat(now - timedelta(days=30)), "ends_at": isoformat(now + timedelta(days=1))}
    period = desk.post("periods", {"name": "Now", **span})
    assert period.status == 201
    assert desk.post("periods", {"name": "Again", **span}).code == "PERIOD_OVERLAPS"
    backwards = {"name": "Backwards", "starts_at": span["ends_at"], "ends_at": span["starts_at"]}
    assert set(desk.post("periods", backwards).fields) == {"ends_at"}
    path = f"periods/{period.data['id']}"
    assert desk.post(f"{path}/close").data["is_closed"]
    assert desk.post("entries", desk.entry()).code == "PERIOD_CLOSED"
    assert desk.written() == (0, 0, 0)
    assert not desk.post(f"{path}/reopen", {"reason": "An invoice came late."}).data["is_closed"]
    assert desk.post("entries", desk.entry()).status == 201
    assert [row["name"] for row in desk.read("periods").data] == ["Now"]
    assert AuditRecord.objects.filter(action="ledger.period_reopened", severity="warning").count() == 1


def test_a_hold_by_hand(desk: Desk) -> None:
    floor = {"amount": "0.00", "currency": "USD"}
    purse = desk.post(
        "accounts", {"code": "2050", "name": "Purse", "type": "liability", "currency": "USD", "floor": floor}
    ).data
    desk.ids["2050"] = purse["id"]
    desk.post("entries", {"lines": desk.lines("1000", "2050", "100.00")})
    body = {
        "account_id": purse["id"],
        "amount": {"amount": "80.00", "currency": "USD"},
        "expires_at": isoformat(utc_now() + timedelta(hours=1)),
    }
    hold = desk.post("holds", body)
    assert (hold.status, hold.data["state"]) == (201, "pending")
    assert desk.post("holds", body).code == "INSUFFICIENT_FUNDS"
    assert desk.post("holds", body | {"account_id": desk.ids["1300"]}).code == "CONTROL_ACCOUNT"
    euros = {"amount": "1.00", "currency": "EUR"}
    assert desk.post("holds", body | {"amount": euros}).code == "CURRENCY_MISMATCH"
    past = isoformat(utc_now() - timedelta(hours=1))
    assert set(desk.post("holds", body | {"expires_at": past}).fields) == {"expires_at"}
    assert set(desk.post("holds", body | {"amount": floor}).fields) == {"amount"}
    path = f"holds/{hold.data['id']}"
    too_much = {"lines": desk.lines("2050", "1000", "80.01")}
    assert set(desk.post(f"{path}/post", too_much).fields) == {"lines"}
    assert desk.post(f"{path}/post", {"lines": desk.lines("2050", "1000", "50.00")}).status == 201
    assert desk.post(f"{path}/void").code == "HOLD_RESOLVED"
    told = desk.read(f"accounts/{purse['id']}").data
    assert (told["balance"]["amount"], told["available"]["amount"]) == ("50.00", "50.00")
    assert desk.read(path).data["state"] == "posted"
    assert desk.read(f"holds/{new_id()}").status == 404


def test_the_trial_balance_ties(desk: Desk) -> None:
    at = "2026-03-01T12:00:00Z"
    desk.post("entries", desk.entry("100.00", effective_at=at))
    desk.post("entries", {"lines": desk.lines("1010", "1000", "30.00"), "effective_at": "2026-03-05T12:00:00Z"})
    told = desk.read("trial-balance").data
    rows = {row["code"]: row["balance"]["amount"] for row in told["rows"]}
    assert rows == {"1000": "70.00", "1010": "30.00", "3000": "100.00"}
    assert told["totals"] == [
        {"debits": {"amount": "130.00", "currency": "USD"}, "credits": {"amount": "130.00", "currency": "USD"}}
    ]
    then = desk.read("trial-balance", effective_to=at).data
    assert {row["code"]: row["balance"]["amount"] for row in then["rows"]} == {"1000": "100.00", "3000": "100.00"}
    long_ago = isoformat(datetime.fromisoformat(at) - timedelta(days=1))
    assert desk.read("trial-balance", effective_to=long_ago).data["rows"] == []


def test_an_account_that_holds_all_it_can_refuses_more(desk: Desk) -> None:
    most = "10000000000000.00"
    body = {"lines": [*desk.lines("1000", "3000", most) * 500], "description": "as much as one entry can hold"}
    for _ in range(8):
        assert desk.post("entries", body).status == 201
    refused = desk.post("entries", body)
    assert (refused.status, refused.code) == (409, "BALANCE_TOO_LARGE")
    assert desk.written() == (8, 8000, 0)
    told = desk.read(f"accounts/{desk.ids['1000']}").data
    assert told["balance"]["amount"] == "40000000000000000.00"
    assert desk.read("reports/balance-sheet").data["difference"] == [{"amount": "0.00", "currency": "USD"}]
