"""Money: exact for every currency, and refused where a number would have to be guessed."""

import copy
import json
import pickle
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa.kit.money import EXPONENTS, MAX_MINOR, MAX_SUM, Money, MoneyError

currencies = st.sampled_from(sorted(EXPONENTS))
minors = st.integers(-MAX_MINOR, MAX_MINOR)


@given(minor=minors, currency=currencies)
def test_wire_and_back(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    wire = json.loads(json.dumps(money.as_wire()))
    assert Money.parse(wire["amount"], wire["currency"]) == money
    assert Decimal(money.amount) == Decimal(minor).scaleb(-EXPONENTS[currency])
    assert len(money.amount.partition(".")[2]) == EXPONENTS[currency]


@pytest.mark.parametrize("currency", sorted(EXPONENTS))
def test_each_currency_has_its_own_decimals(currency: str) -> None:
    exponent = EXPONENTS[currency]
    least = "0." + "1".rjust(exponent, "0") if exponent else "1"
    assert Money.parse(least, currency) == Money(1, currency)
    assert Money.parse("-1", currency) == Money(-(10**exponent), currency)
    with pytest.raises(MoneyError, match=f"^{currency} has {exponent} decimals$"):
        Money.parse("1." + "0" * (exponent + 1), currency)


def test_the_exponents_that_are_not_two() -> None:
    known = {"JPY": 0, "KRW": 0, "ISK": 0, "CLP": 0, "UGX": 0, "KWD": 3, "BHD": 3, "TND": 3, "CLF": 4, "SLC": 2}
    assert {currency: EXPONENTS[currency] for currency in known} == known
    assert all(len(currency) == 3 and currency.isascii() and currency.isupper() for currency in EXPONENTS)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.50", "USD", 1250),
        ("12.5", "USD", 1250),
        ("12", "USD", 1200),
        ("-0.01", "USD", -1),
        ("-0.00", "USD", 0),
        ("007", "USD", 700),
        ("100", "JPY", 100),
        ("1.234", "KWD", 1234),
        ("10000000000000.00", "USD", MAX_MINOR),
    ],
)
def test_amounts(amount: str, currency: str, minor: int) -> None:
    assert Money.parse(amount, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "amount",
    [
        *["", " ", "-", ".", "1.", ".5", "+1", "--1", "- 1", " 1", "1 ", "1\n", "1_000", "1,00", "1.2.3"],
        *["NaN", "nan", "-NaN", "sNaN", "Infinity", "-inf", "1e2", "1E2", "1e400000000", "0x10", "\x00", "1\x00"],
        *["١٢", "１", "1²", "½", "1.５0", "9" * 10_000, "0" * 41],
    ],
)
def test_what_is_no_decimal_is_refused(amount: str) -> None:
    with pytest.raises(MoneyError, match=r"^write the amount as a decimal string$"):
        Money.parse(amount, "USD")


@pytest.mark.parametrize("amount", [1, 1.5, True, None, Decimal("1.50"), b"1.50", ["1.50"], float("nan"), 10**30])
def test_a_json_number_is_refused(amount: object) -> None:
    with pytest.raises(MoneyError, match=r"^write the amount as a decimal string$"):
        Money.parse(amount, "USD")


@pytest.mark.parametrize("currency", ["usd", "", "XXX", "USDT", "U\x00D", None, 840, ["USD"], {"a": 1}])
def test_an_unknown_currency_is_refused(currency: object) -> None:
    with pytest.raises(MoneyError, match=r"^unknown currency$"):
        Money.parse("1", currency)


@pytest.mark.parametrize("amount", ["10000000000000.01", "-10000000000000.01", "9" * 38, "9" * 40, "-" + "9" * 40])
def test_too_large_is_refused(amount: str) -> None:
    with pytest.raises(MoneyError, match=r"^the amount is too large$"):
        Money.parse(amount, "USD")


@pytest.mark.parametrize("minor", [1.0, True, False, "1", None, Decimal(1)])
def test_minor_units_are_whole_numbers(minor: object) -> None:
    with pytest.raises(MoneyError, match=r"^minor units are whole numbers$"):
        Money(minor, "USD")  # type: ignore[arg-type]


@given(text=st.text(max_size=50), currency=currencies)
def test_any_text_is_money_or_refused(text: str, currency: str) -> None:
    try:
        money = Money.parse(text, currency)
    except MoneyError:
        return
    assert Decimal(money.amount) == Decimal(text)


def test_someone_elses_decimal_context_does_not_round_our_money() -> None:
    with localcontext(prec=3):
        assert Money.parse("12345.67", "USD") == Money(1_234_567, "USD")


@given(a=minors, b=minors, currency=currencies)
def test_arithmetic_and_order_are_those_of_the_minor_units(a: int, b: int, currency: str) -> None:
    x, y = Money(a, currency), Money(b, currency)
    assert (x < y, x <= y, x > y, x >= y, x == y) == (a < b, a <= b, a > b, a >= b, a == b)
    for ours, minor in ((Money.__add__, a + b), (Money.__sub__, a - b)):
        assert ours(x, y) == Money(minor, currency)


def test_a_sum_may_be_larger_than_an_amount_and_fits_64_bits() -> None:
    assert Money(MAX_MINOR, "USD") + Money(MAX_MINOR, "USD") == Money(2 * MAX_MINOR, "USD")
    for minor in (MAX_SUM + 1, -MAX_SUM - 1):
        with pytest.raises(MoneyError, match=r"^the amount is too large$"):
            Money(minor, "USD")


def test_two_currencies_do_not_mix() -> None:
    dollars, yen = Money(1, "USD"), Money(1, "JPY")
    assert dollars != yen
    assert len({dollars, yen, Money(1, "USD")}) == 2
    for mix in (
        lambda: dollars + yen,
        lambda: dollars - yen,
        lambda: dollars < yen,
        lambda: dollars <= yen,
        lambda: dollars > yen,
        lambda: dollars >= yen,
    ):
        with pytest.raises(MoneyError, match=r"^USD and JPY do not mix$|^JPY and USD do not mix$"):
            mix()


def test_money_does_not_change() -> None:
    money = Money(1, "USD")
    with pytest.raises(AttributeError):
        money.minor = 2
    with pytest.raises(AttributeError):
        del money.minor
    with pytest.raises(AttributeError):
        setattr(money, "note", "x")  # noqa: B010
    assert money == Money(1, "USD")


def test_money_is_copied_and_pickled() -> None:
    """`dataclasses.asdict` copies what it finds in a contract; a task's arguments may be pickled."""
    money = Money(1250, "USD")
    assert copy.copy(money) == copy.deepcopy(money) == pickle.loads(pickle.dumps(money)) == money
