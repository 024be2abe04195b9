"""Rates are exact, an exchange is one balanced entry at the rate in force, and half a unit goes to the even one."""

from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa.apps.ledger.domain import Quoted, converted, read_rate
from stoa.apps.ledger.errors import KeyReused, RateExists, RateMissing
from stoa.apps.ledger.models import Entry, Rate
from stoa.apps.ledger.queries import trial_balance
from stoa.apps.ledger.services.books import system_account
from stoa.apps.ledger.services.periods import add_period, close_period
from stoa.apps.ledger.services.rates import add_rate, exchange, rate_at
from stoa.apps.ledger.services.verifying import verify_books
from stoa.apps.ledger.tests.factories import AT, Books
from stoa.apps.ledger.tests.test_http import Desk, desk  # noqa: F401 - a fixture
from stoa.kit.errors import Invalid
from stoa.kit.ids import new_id
from stoa.kit.money import EXPONENTS, Money
from stoa.platform.audit.models import AuditRecord
from stoa.platform.db.tenant import tenant_scope


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("1.0825", (10825, 4)),
        ("1", (1, 0)),
        ("1.50", (15, 1)),
        ("0.000000000000000001", (1, 18)),
        ("137000", (137000, 0)),
    ],
)
def test_a_rate_is_kept_exactly(text: str, kept: tuple[int, int]) -> None:
    read = read_rate(text)
    assert (read.mantissa, read.scale) == kept
    assert Decimal(read.text) == Decimal(text)


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "0.00",
        "-1",
        "1e5",
        "NaN",
        "inf",
        "",
        " 1",
        "1.",
        ".5",
        "1,5",
        "٣",
        "1.0000000000000000001",
        "1234567890123456",
    ],
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"decimal string|more than 0"):
        read_rate(text)


@given(
    st.integers(-(10**15), 10**15),
    st.integers(1, 10**6),
    st.integers(0, 9),
    st.sampled_from(["USD", "JPY", "KWD"]),
    st.sampled_from(["EUR", "KRW", "BHD"]),
)
def test_conversion_is_that_of_exact_decimals(minor: int, mantissa: int, scale: int, base: str, quote: str) -> None:
    told = converted(Money(minor, base), quote, Quoted(mantissa, scale))
    exact = Decimal(minor).scaleb(-EXPONENTS[base]) * Decimal(mantissa).scaleb(-scale)
    assert Decimal(told.amount) == exact.quantize(Decimal(1).scaleb(-EXPONENTS[quote]), ROUND_HALF_EVEN)


def test_half_a_unit_goes_to_the_even_one() -> None:
    half = read_rate("0.5")
    assert [converted(Money(minor, "USD"), "EUR", half).minor for minor in (1, 3, 5, -1, -3)] == [0, 2, 2, 0, -2]


pytest_db = pytest.mark.django_db


@pytest.fixture
def books(db: None) -> Books:
    return Books()


def euros(books: Books) -> UUID:
    return system_account(book_id=books.id, role="bank", currency="EUR")


def change(books: Books, amount: str, key: str = "", **of: object) -> object:
    return exchange(
        book_id=books.id,
        source_id=books["bank"],
        target_id=euros(books),
        amount=Money.parse(amount, "USD"),
        key=key or new_id(),
        **of,  # type: ignore[arg-type]
    )


def test_the_rate_in_force_is_the_last_one_before(books: Books) -> None:
    for days, rate in ((0, "0.90"), (2, "0.95")):
        add_rate(book_id=books.id, base="USD", quote="EUR", rate=rate, at=AT + timedelta(days=days))

    def at(days: float) -> str:
        row = rate_at(book_id=books.id, base="USD", quote="EUR", at=AT + timedelta(days=days))
        return Quoted(row.mantissa, row.scale).text

    assert [at(0), at(1.9), at(2), at(400)] == ["0.9", "0.9", "0.95", "0.95"]
    for base, quote, days in (("USD", "EUR", -1), ("EUR", "USD", 5)):  # nor is the other direction guessed
        with pytest.raises(RateMissing):
            rate_at(book_id=books.id, base=base, quote=quote, at=AT + timedelta(days=days))
    with pytest.raises(RateExists):
        add_rate(book_id=books.id, base="USD", quote="EUR", rate="0.91", at=AT)
    assert AuditRecord.objects.filter(action="ledger.rate_added").count() == 2


def test_an_exchange_balances_in_both_currencies_and_names_its_rate(books: Books) -> None:
    kept = add_rate(book_id=books.id, base="USD", quote="EUR", rate="0.9215", at=AT)
    told = change(books, "100.01", effective_at=AT)
    lines = [(line.account_code, line.side, line.amount.amount, line.amount.currency) for line in told.lines]  # type: ignore[attr-defined]
    assert lines == [
        ("3900", "debit", "100.01", "USD"),
        ("1010", "credit", "100.01", "USD"),
        ("1010.EUR", "debit", "92.16", "EUR"),
        ("3900.EUR", "credit", "92.16", "EUR"),
    ]
    assert (told.reference_type, told.reference_id) == ("rate", str(kept.id))  # type: ignore[attr-defined]
    assert verify_books(book_id=books.id).faults == ()
    totals = trial_balance(book_id=books.id).totals
    assert all(total.debits == total.credits for total in totals)


def test_a_key_again_is_the_first_exchange_at_the_first_rate(books: Books) -> None:
    add_rate(book_id=books.id, base="USD", quote="EUR", rate="0.9", at=AT)
    first = change(books, "10.00", key="once")
    add_rate(book_id=books.id, base="USD", quote="EUR", rate="0.8", at=AT + timedelta(days=1))
    assert change(books, "10.00", key="once") == first
    with pytest.raises(KeyReused):
        change(books, "11.00", key="once")
    with tenant_scope(books.id):
        assert Entry.objects.count() == 1


@pytest.mark.parametrize("amount", [Money(0, "USD"), Money(-5, "USD"), Money(10**15 + 1, "USD"), Money(1, "USD")])
def test_what_is_nothing_or_too_much_is_refused(books: Books, amount: Money) -> None:
    add_rate(book_id=books.id, base="USD", quote="EUR", rate="0.4", at=AT)
    with pytest.raises(Invalid):
        exchange(book_id=books.id, source_id=books["bank"], target_id=euros(books), amount=amount, key=new_id())
    with tenant_scope(books.id):
        assert Entry.objects.count() == 0


@pytest_db
def test_over_http(desk: Desk) -> None:  # noqa: F811
    rate = {"base": "USD", "quote": "EUR", "rate": "0.9200", "at": "2026-03-01T00:00:00Z", "source": "ECB"}
    made = desk.post("rates", rate)
    assert (made.status, made.data["rate"], made.data["source"]) == (201, "0.92", "ECB")
    assert desk.post("rates", rate).code == "RATE_EXISTS"
    assert desk.read("rates").data == [made.data]
    account = {"code": "1011", "name": "Euro", "type": "asset", "currency": "EUR"}
    euro = desk.post("accounts", account).data["id"]
    ask = {
        "from_account_id": desk.ids["1010"],
        "to_account_id": euro,
        "amount": {"amount": "50.00", "currency": "USD"},
        "effective_at": "2026-03-02T00:00:00Z",
    }
    key = new_id()
    told = desk.post("exchanges", ask, key=key)
    assert (told.status, told.data["reference_id"]) == (201, made.data["id"])
    assert [line["amount"]["amount"] for line in told.data["lines"]] == ["50.00", "50.00", "46.00", "46.00"]
    assert desk.post("exchanges", ask, key=key).data["id"] == told.data["id"]
    exchange(
        book_id=desk.org_id,
        source_id=UUID(desk.ids["1010"]),
        target_id=UUID(euro),
        amount=Money(1_00, "USD"),
        key="kept",
    )
    assert desk.post("exchanges", ask, key="kept").code == "KEY_REUSED"  # the books remember for ever


@pytest_db
def test_one_book_neither_sees_nor_uses_the_rates_of_another(books: Books) -> None:
    other = Books()
    add_rate(book_id=other.id, base="USD", quote="EUR", rate="0.9", at=AT)
    with tenant_scope(books.id):
        assert Rate.objects.count() == 0
    with pytest.raises(RateMissing):
        change(books, "10.00")
    assert add_rate(book_id=books.id, base="USD", quote="EUR", rate="0.8", at=AT).rate == "0.8"


@pytest_db
def test_what_is_refused_over_http_leaves_nothing(desk: Desk) -> None:  # noqa: F811
    rate = {"base": "USD", "quote": "EUR", "rate": "0.92", "at": "2026-03-01T00:00:00Z"}
    for field, value in (
        ("base", "XXX"),
        ("quote", "USD"),
        ("rate", "0"),
        ("rate", "NaN"),
        ("rate", 0.92),
        ("rate", "9" * 41),
        ("at", "1800-01-01T00:00:00Z"),
    ):
        refused = desk.post("rates", rate | {field: value})
        assert (refused.status, refused.code) == (422, "VALIDATION_ERROR"), (field, value)
        assert field in refused.error["details"]["fields"]  # type: ignore[index]
    with tenant_scope(desk.org_id):
        assert Rate.objects.count() == 0
    desk.post("rates", rate)
    closed = desk.post("accounts", {"code": "91", "name": "Old", "type": "asset", "currency": "USD"}).data["id"]
    desk.post(f"accounts/{closed}/close")
    poor = {"code": "92", "name": "Purse", "type": "asset", "currency": "USD"}
    poor_id = desk.post("accounts", {**poor, "floor": {"amount": "0.00", "currency": "USD"}}).data["id"]
    euro = desk.post("accounts", {"code": "93", "name": "Euro", "type": "asset", "currency": "EUR"}).data["id"]
    starts = AT - timedelta(days=400)
    period = add_period(book_id=desk.org_id, name="P", starts_at=starts, ends_at=starts + timedelta(days=9)).id
    close_period(book_id=desk.org_id, period_id=period)
    good = {
        "from_account_id": desk.ids["1010"],
        "to_account_id": euro,
        "amount": {"amount": "50.00", "currency": "USD"},
        "effective_at": "2026-03-02T00:00:00Z",
    }
    desk.post("rates", rate | {"at": (starts - timedelta(days=1)).isoformat()})
    before = desk.written()
    for code, of in (
        ("UNKNOWN_ACCOUNT", {"to_account_id": new_id()}),
        ("CURRENCY_MISMATCH", {"amount": {"amount": "50.00", "currency": "EUR"}}),
        ("RATE_MISSING", {"effective_at": "2020-03-02T00:00:00Z"}),
        ("VALIDATION_ERROR", {"to_account_id": desk.ids["1000"]}),
        ("VALIDATION_ERROR", {"amount": {"amount": "0.00", "currency": "USD"}}),
        ("VALIDATION_ERROR", {"amount": {"amount": "-1.00", "currency": "USD"}}),
        ("VALIDATION_ERROR", {"amount": {"amount": "1.001", "currency": "USD"}}),
        ("PERIOD_CLOSED", {"effective_at": (starts + timedelta(days=1)).isoformat()}),
        ("ACCOUNT_CLOSED", {"from_account_id": closed}),
        ("INSUFFICIENT_FUNDS", {"from_account_id": poor_id}),
        ("CONTROL_ACCOUNT", {"from_account_id": desk.ids["1300"]}),
    ):
        assert desk.post("exchanges", good | of).code == code
    assert desk.written() == before
