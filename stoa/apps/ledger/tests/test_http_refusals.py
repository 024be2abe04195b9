"""Each refusal that a posting route documents, from that route, with nothing written."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from stoa.apps.accounts.tests.factories import make_person
from stoa.apps.ledger.domain import api_key
from stoa.apps.ledger.services.holds import hold_funds
from stoa.apps.ledger.tests.factories import Books
from stoa.apps.ledger.tests.test_http import Desk
from stoa.apps.organizations.tests.factories import make_organization
from stoa.kit.clock import isoformat, utc_now
from stoa.kit.ids import new_id
from stoa.platform.testing.client import ApiClient

pytestmark = pytest.mark.django_db
ROUTES = ("entries", "entries/dry-run", "batches", "hold")


class Office(Desk):
    """With an account of each kind that refuses something, and the last period closed."""

    def __init__(self, api: ApiClient) -> None:
        person = make_person("Ann")
        super().__init__(api, person, make_organization(person))
        self.books = Books(id=self.org_id)
        self.now = utc_now()
        self.made("1050", "closed")
        self.post(f"accounts/{self.ids['1050']}/close")
        self.made("2050", "purse", floor=0, kind="liability")
        start, end = (isoformat(self.now - timedelta(days=days)) for days in (400, 370))
        period = self.post("periods", {"name": "Past", "starts_at": start, "ends_at": end}).data["id"]
        self.post(f"periods/{period}/close")

    def made(self, code: str, name: str, **kind: Any) -> None:
        self.ids[code] = str(self.books.account(code, **kind))

    @property
    def past(self) -> str:
        return isoformat(self.now - timedelta(days=380))

    def held(self, account: str = "1000") -> str:
        until = self.now + timedelta(hours=1)
        return str(
            hold_funds(
                book_id=self.org_id,
                account_id=UUID(self.ids[account]),
                amount_minor=10**6,
                key=new_id(),
                expires_at=until,
            ).id
        )

    def send(self, route: str, entry: dict[str, Any], key: str = "") -> str:
        """The code that the route answers to this entry."""
        if route == "batches":
            return self.post("batches", {"entries": [entry]}, key=key).code
        return self.post(f"holds/{self.held()}/post" if route == "hold" else route, entry, key=key).code


@pytest.fixture
def office(api: ApiClient) -> Office:
    return Office(api)


def refusals(office: Office) -> dict[str, dict[str, Any]]:
    lines = office.lines
    stranger = [{"account_id": new_id(), "debit": "1.00"}, {"account_id": office.ids["1000"], "credit": "1.00"}]
    euros = [
        {"account_id": office.ids[code], "side": side, "amount": {"amount": "1.00", "currency": "EUR"}}
        for code, side in (("1000", "debit"), ("3000", "credit"))
    ]
    crooked = lines("1000", "3000", "1.00")
    crooked[0]["debit"] = "1.01"
    return {
        "ACCOUNT_CLOSED": {"lines": lines("1050", "3000", "1.00")},
        "INSUFFICIENT_FUNDS": {"lines": lines("2050", "3000", "1.00")},
        "PERIOD_CLOSED": {"lines": lines("1000", "3000", "1.00"), "effective_at": office.past},
        "CONTROL_ACCOUNT": {"lines": lines("1300", "3000", "1.00")},
        "UNBALANCED": {"lines": crooked},
        "UNKNOWN_ACCOUNT": {"lines": stranger},
        "CURRENCY_MISMATCH": {"lines": euros},
    }


@pytest.mark.parametrize("route", ROUTES)
def test_each_route_says_what_is_wrong(office: Office, route: str) -> None:
    for code, entry in refusals(office).items():
        assert office.send(route, entry) == code
    assert office.written()[:2] == (0, 0)


@pytest.mark.parametrize("route", ROUTES)
def test_each_route_refuses_more_than_an_account_can_hold(office: Office, route: str) -> None:
    most = {"lines": office.lines("1010", "3000", "10000000000000.00") * 500}
    for _ in range(8):
        assert office.post("entries", most).status == 201
    assert office.send(route, {"lines": office.lines("1010", "3000", "0.01")}) == "BALANCE_TOO_LARGE"
    assert office.written()[:2] == (8, 8000)


@pytest.mark.parametrize("route", ["entries", "batches", "hold"])
def test_a_key_of_another_entry_is_refused(office: Office, route: str) -> None:
    """As after the time for which the house remembers its answers: the books remember for ever."""
    key = new_id()
    office.books.move("cash", "equity", 5, key=api_key(f"{key}:0" if route == "batches" else key))
    assert office.send(route, office.entry(), key=key) == "KEY_REUSED"
    assert office.written()[:2] == (1, 2)


def test_a_reversal_is_refused_as_an_entry_is(office: Office) -> None:
    books, desk = office.books, office

    def reverse(entry: object, key: str = "") -> str:
        return desk.post(f"entries/{entry}/reverse", {"reason": "Wrong."}, key=key).code

    now = office.now
    received = books.move("cash", UUID(desk.ids["2050"]), 5, at=now).entry_id
    books.move(UUID(desk.ids["2050"]), "cash", 5, at=now)
    assert reverse(received) == "INSUFFICIENT_FUNDS"
    desk.made("1051", "short-lived")
    first = books.move(UUID(desk.ids["1051"]), "cash", 5, at=now).entry_id
    books.move("cash", UUID(desk.ids["1051"]), 5, at=now)
    assert desk.post(f"accounts/{desk.ids['1051']}/close").status == 200
    assert reverse(first) == "ACCOUNT_CLOSED"
    plain = books.move("cash", "equity", 5, at=now).entry_id
    back = desk.post(f"entries/{plain}/reverse", {"reason": "Wrong.", "effective_at": office.past})
    assert back.code == "PERIOD_CLOSED"
    key = new_id()
    books.move("cash", "equity", 5, key=api_key(key), at=now)
    assert reverse(plain, key) == "KEY_REUSED"
    assert desk.written()[:2] == (6, 12)


def test_holds_are_refused_voided_and_resolved_once(office: Office) -> None:
    until = isoformat(office.now + timedelta(hours=1))
    body = {"account_id": office.ids["1050"], "amount": {"amount": "1.00", "currency": "USD"}, "expires_at": until}
    assert office.post("holds", body).code == "ACCOUNT_CLOSED"
    key = new_id()
    hold_funds(
        book_id=office.org_id,
        account_id=UUID(office.ids["1000"]),
        amount_minor=7,
        key=api_key(key),
        expires_at=office.now + timedelta(hours=1),
    )
    assert office.post("holds", body | {"account_id": office.ids["1000"]}, key=key).code == "KEY_REUSED"
    hold = office.held()
    assert office.post(f"holds/{hold}/void").data["state"] == "voided"
    assert office.post(f"holds/{hold}/post", office.entry("1.00")).code == "HOLD_RESOLVED"
    assert office.written() == (0, 0, 2)


def test_an_account_with_a_balance_stays_open(office: Office) -> None:
    office.made("1052", "full")
    office.books.move(UUID(office.ids["1052"]), "equity", 5)
    assert office.post(f"accounts/{office.ids['1052']}/close").code == "ACCOUNT_IN_USE"


def test_a_year_that_ends_in_a_closed_period_is_refused(office: Office) -> None:
    office.books.move("cash", "sales_revenue", 5, at=office.now - timedelta(days=500))
    assert office.post("years/close", {"ends_at": office.past}).code == "PERIOD_CLOSED"
    assert office.written()[:2] == (1, 2)


BAD_AMOUNTS: dict[str, Any] = {
    "nothing": "0.00",
    "less than nothing": "-1.00",
    "too many decimals": "1.001",
    "no number": "NaN",
    "an exponent": "1e3",
    "too much": "1" + "0" * 30,
    "a JSON number": 1,
    "none": None,
}


@pytest.mark.parametrize("name", BAD_AMOUNTS)
def test_a_hold_takes_no_bad_amount(office: Office, name: str) -> None:
    until = isoformat(office.now + timedelta(hours=1))
    account = office.ids["1000"]
    amount = {"amount": BAD_AMOUNTS[name], "currency": "USD"}
    hold, before = office.held(), office.written()
    refused = office.post("holds", {"account_id": account, "amount": amount, "expires_at": until})
    assert (refused.status, refused.code) == (422, "VALIDATION_ERROR")
    lines = [{"account_id": account, "credit": BAD_AMOUNTS[name]}, {"account_id": office.ids["3000"], "debit": "1.00"}]
    refused = office.post(f"holds/{hold}/post", {"lines": lines})
    assert refused.status == 422, refused.error
    assert office.written() == before
    assert office.read(f"holds/{hold}").data["state"] == "pending"


def test_a_hold_is_on_an_account_of_this_book_in_its_currency_and_its_key_is_short(office: Office) -> None:
    until = isoformat(office.now + timedelta(hours=1))
    money = {"amount": "1.00", "currency": "USD"}
    good = {"account_id": office.ids["1000"], "amount": money, "expires_at": until}
    stranger = {"account_id": str(Books()["cash"])}
    for code, of in (
        ("NOT_FOUND", stranger),
        ("CURRENCY_MISMATCH", {"amount": {"amount": "1.00", "currency": "EUR"}}),
        ("VALIDATION_ERROR", {"amount": {"amount": "1.00", "currency": "XXX"}}),
        ("VALIDATION_ERROR", {"expires_at": "1800-01-01T00:00:00Z"}),
    ):
        assert office.post("holds", good | of).code == code, of
    assert office.post("holds", good, key="k" * 256).code == "IDEMPOTENCY_KEY_INVALID"
    hold = office.held()
    lines = [{**stranger, "debit": "1.00"}, {"account_id": office.ids["1000"], "credit": "1.00"}]
    assert office.post(f"holds/{hold}/post", {"lines": lines}).code == "UNKNOWN_ACCOUNT"
    many = {"lines": office.lines("3000", "1000", "0.01") * 501}
    assert office.post(f"holds/{hold}/post", many).status in {413, 422}
    assert office.written() == (0, 0, 1)
