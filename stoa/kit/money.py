"""Money: an integer number of minor units and a currency, never a float.

On the wire `{"amount": "12.50", "currency": "USD"}`. The number of decimals is the currency's own (ISO 4217, list of
2024-06); SLC is the house coin with exponent 2.
"""

from collections.abc import Mapping
from functools import total_ordering
from typing import Self, final

MAX_MINOR = 10**15
"""Nothing that somebody sends or pays is larger, and sums of many such amounts still fit 64 bits."""
MAX_SUM = 2**63 - 1

_OTHER_EXPONENTS: Mapping[int, str] = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_TWO = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF "
    "CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF "
    "IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN "
    "MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS "
    "SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG SLC"
)
EXPONENTS: Mapping[str, int] = {
    **dict.fromkeys(_TWO.split(), 2),
    **{code: exponent for exponent, codes in _OTHER_EXPONENTS.items() for code in codes.split()},
}


class MoneyError(ValueError):
    """Not an amount of money; the text says why in words fit for the caller."""


@final
@total_ordering
class Money:
    """`minor` in the currency's smallest unit: Money(1250, "USD") is 12.50 dollars.

    Not a dataclass on purpose: orjson would write a dataclass's fields itself instead of asking for `as_wire()`."""

    __slots__ = ("currency", "minor")

    def __init__(self, minor: int, currency: str) -> None:
        if currency not in EXPONENTS:
            raise MoneyError("unknown currency")
        if isinstance(minor, bool) or not isinstance(minor, int):
            raise MoneyError("minor units are whole numbers")
        if abs(minor) > MAX_SUM:
            raise MoneyError("the amount is too large")
        object.__setattr__(self, "minor", minor)
        object.__setattr__(self, "currency", currency)

    minor: int
    currency: str

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("Money does not change")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("Money does not change")

    def __reduce__(self) -> tuple[type["Money"], tuple[int, str]]:
        # copy and pickle would otherwise set the attributes one by one, which is refused above.
        return Money, (self.minor, self.currency)

    def __repr__(self) -> str:
        return f"Money({self.minor}, {self.currency!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return (self.minor, self.currency) == (other.minor, other.currency)

    def __hash__(self) -> int:
        return hash((self.minor, self.currency))

    @classmethod
    def parse(cls, amount: object, currency: object) -> Self:
        """From the wire's decimal string. Raises MoneyError for a JSON number, NaN, an exponent surplus decimals, or more
        than MAX_MINOR."""
        if not isinstance(amount, str):
            raise MoneyError("write the amount as a decimal string")
        if not isinstance(currency, str) or currency not in EXPONENTS:
            raise MoneyError("unknown currency")
        digits = amount.removeprefix("-")
        whole, point, fraction = digits.partition(".")
        if not (digits.isascii() and whole.isdigit() and (fraction.isdigit() if point else True)) or len(digits) > 40:
            raise MoneyError("write the amount as a decimal string")
        exponent = EXPONENTS[currency]
        if len(fraction) > exponent:
            raise MoneyError(f"{currency} has {exponent} decimals")
        # Whole numbers from start to end: Decimal rounds to whatever precision the thread's context has.
        minor = int(whole + fraction.ljust(exponent, "0"))
        if minor > MAX_MINOR:
            raise MoneyError("the amount is too large")
        return cls(-minor if amount != digits else minor, currency)

    @property
    def amount(self) -> str:
        """The decimal string with exactly the currency's own number of decimals."""
        exponent = EXPONENTS[self.currency]
        sign, digits = "-" if self.minor < 0 else "", str(abs(self.minor)).rjust(exponent + 1, "0")
        return sign + (f"{digits[:-exponent]}.{digits[-exponent:]}" if exponent else digits)

    def as_wire(self) -> dict[str, str]:
        return {"amount": self.amount, "currency": self.currency}

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other).minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other).minor

    def _same(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise MoneyError(f"{self.currency} and {other.currency} do not mix")
        return other
