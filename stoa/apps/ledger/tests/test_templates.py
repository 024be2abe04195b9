"""Business events by name: each balances whatever its amounts, and says what it cannot take."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa.apps.ledger.contracts import Side
from stoa.apps.ledger.domain import CHART
from stoa.apps.ledger.services.periods import add_period, close_period
from stoa.apps.ledger.services.templates import TEMPLATES, minor_lines, post_from_template
from stoa.apps.ledger.services.verifying import verify_books
from stoa.apps.ledger.tests.factories import AT, Books
from stoa.apps.ledger.tests.test_http import Desk, desk  # noqa: F401 - a fixture
from stoa.kit.errors import Invalid
from stoa.kit.ids import new_id


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_names_what_is_there_and_touches_no_control_account(name: str) -> None:
    template = TEMPLATES[name]
    for role, words in {**template.debits, **template.credits}.items():
        assert CHART[role].owner == ""
        assert {term.removeprefix("-") for term in words.split()} <= set(template.amounts)
    assert template.optional <= set(template.amounts)


@given(st.sampled_from(sorted(TEMPLATES)), st.data())
def test_every_template_balances_for_any_amounts(name: str, data: Any) -> None:
    template = TEMPLATES[name]
    amounts = {each: data.draw(st.integers(0, 10**12)) for each in template.amounts}
    try:
        lines = minor_lines(template=template, amounts=amounts)
    except Invalid:
        return
    assert sum(minor * side for _, side, minor in lines) == 0
    assert all(minor > 0 for _, _, minor in lines)


@pytest.mark.django_db
@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_posts(name: str) -> None:
    books = Books()
    amounts = {each: f"{100 - number * 10}.00" for number, each in enumerate(TEMPLATES[name].amounts)}
    key = new_id()
    told = post_from_template(
        book_id=books.id, name=name, currency="USD", amounts=amounts, key=key, effective_at=AT, reference_id="7"
    )
    assert (told.reference_type, told.reference_id, told.kind) == (name, "7", "manual")
    assert (
        post_from_template(
            book_id=books.id, name=name, currency="USD", amounts=amounts, key=key, effective_at=AT, reference_id="7"
        )
        == told
    )
    assert verify_books(book_id=books.id).faults == ()


def test_a_discount_is_taken_off_what_is_paid() -> None:
    lines = minor_lines(template=TEMPLATES["cash_sale"], amounts={"net": 100, "tax": 18, "discount": 10})
    assert lines == [
        ("cash", Side.DEBIT, 108),
        ("discounts", Side.DEBIT, 10),
        ("sales_revenue", Side.CREDIT, 100),
        ("tax_payable", Side.CREDIT, 18),
    ]


@pytest.mark.django_db
def test_over_http(desk: Desk) -> None:  # noqa: F811
    told = {each["name"]: each for each in desk.read("templates").data["templates"]}
    assert set(told) == set(TEMPLATES)
    assert [each["name"] for each in told["cash_sale"]["amounts"] if each["is_required"]] == ["net"]
    event = {"currency": "EUR", "amounts": {"net": "10.00", "tax": "1.90"}, "effective_at": "2026-03-02T00:00:00Z"}
    key = new_id()
    made = desk.post("templates/cash_sale/entries", event, key=key)
    assert made.status == 201
    assert [(line["account_code"], line["side"], line["amount"]["amount"]) for line in made.data["lines"]] == [
        ("1000.EUR", "debit", "11.90"),
        ("4000.EUR", "credit", "10.00"),
        ("2100.EUR", "credit", "1.90"),
    ]
    assert desk.post("templates/cash_sale/entries", event, key=key).data["id"] == made.data["id"]


@pytest.mark.django_db
def test_what_is_refused_leaves_nothing(desk: Desk) -> None:  # noqa: F811
    starts = AT.replace(year=2024)
    period = add_period(book_id=desk.org_id, name="P", starts_at=starts, ends_at=AT.replace(year=2025)).id
    close_period(book_id=desk.org_id, period_id=period)
    event = {"currency": "USD", "amounts": {"net": "10.00"}}
    before = desk.written()
    for name, of, field in (
        ("cash_sale", {"amounts": {}}, "amounts.net"),
        ("cash_sale", {"amounts": {"net": "0"}}, "amounts.net"),
        ("cash_sale", {"amounts": {"net": "-1"}}, "amounts.net"),
        ("cash_sale", {"amounts": {"net": "1.001"}}, "amounts.net"),
        ("cash_sale", {"amounts": {"net": 10}}, "amounts.net"),
        ("cash_sale", {"amounts": {"net": "1", "nett": "1"}}, "amounts.nett"),
        ("cash_sale", {"amounts": {"net": "1", "discount": "2"}}, "amounts.discount"),
        ("opening_balance", {"amounts": {}}, "amounts"),
        ("cash_sale", {"currency": "XXX"}, "currency"),
        ("cash_sale", {"effective_at": "1800-01-01T00:00:00Z"}, "effective_at"),
    ):
        refused = desk.post(f"templates/{name}/entries", event | of)
        assert (refused.status, refused.code) == (422, "VALIDATION_ERROR"), of
        assert field in refused.error["details"]["fields"], refused.error  # type: ignore[index]
    assert desk.post("templates/nothing/entries", event).code == "NOT_FOUND"
    late = event | {"effective_at": starts.isoformat()}
    assert desk.post("templates/cash_sale/entries", late).code == "PERIOD_CLOSED"
    assert desk.written() == before


@pytest.mark.django_db
def test_a_key_of_another_event_is_refused(desk: Desk) -> None:  # noqa: F811
    """As after the time for which the house remembers its answers: the books remember for ever."""
    key = new_id()
    post_from_template(
        book_id=desk.org_id, name="bank_fee", currency="USD", amounts={"amount": "1.00"}, key=key, effective_at=AT
    )
    event = {"currency": "USD", "amounts": {"amount": "2.00"}, "effective_at": AT.isoformat()}
    assert desk.post("templates/bank_fee/entries", event, key=key).code == "KEY_REUSED"
    assert desk.written() == (1, 2, 0)
