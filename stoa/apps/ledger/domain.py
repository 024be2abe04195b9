"""Pure rules of double entry: sides, accounts, drafts of lines, balance, digests, the chart that is seeded."""

import hashlib
import re
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from stoa.apps.ledger.contracts import AccountType, Draft, Line, Side
from stoa.kit.money import EXPONENTS, MAX_MINOR, Money

MOST_LINES = 1000
LONGEST_KEY = 255
MOST_TURNOVER = 4 * 10**18
"""Debits, or credits, of one account in all: with one more entry they still fit 64 bits."""
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Effective instants of real books; a year of 1800 or 20260 is a slip of the finger."""
MANUAL = "manual"
YEAR_CLOSE = "ledger.year_close"
QUARANTINE = "quarantine"
"""What a cure refers to, by type; the id is the quarantined record's."""


@dataclass(frozen=True, slots=True)
class Sums:
    debits: int
    credits: int

    @property
    def difference(self) -> int:
        return self.debits - self.credits


def sums_of(lines: Iterable[Line]) -> dict[str, Sums]:
    """Minor units per currency."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for line in lines:
        sums[line.currency][line.side == Side.CREDIT] += line.amount_minor
    return {currency: Sums(*both) for currency, both in sums.items()}


def unbalanced(lines: Iterable[Line]) -> tuple[str, Sums] | None:
    """The first currency, by name, whose debits are not its credits."""
    for currency, sums in sorted(sums_of(lines).items()):
        if sums.difference:
            return currency, sums
    return None


def faults_of(lines: Sequence[Line]) -> dict[str, list[str]]:
    """Per path, what cannot be posted whatever the accounts are. Empty: nothing."""
    faults: dict[str, list[str]] = {}
    if not 2 <= len(lines) <= MOST_LINES:
        faults["lines"] = [f"2 to {MOST_LINES} lines are expected"]
        return faults
    for number, line in enumerate(lines):
        if isinstance(line.amount_minor, bool) or not isinstance(line.amount_minor, int):
            faults[f"lines.{number}.amount"] = ["minor units are whole numbers"]
        elif not 0 < line.amount_minor <= MAX_MINOR:
            faults[f"lines.{number}.amount"] = ["more than 0, at most 10^15 minor units"]
        if line.currency not in EXPONENTS:
            faults[f"lines.{number}.currency"] = ["unknown currency"]
    return faults


def mirrored(lines: Iterable[Line]) -> list[Line]:
    """The lines of an entry that takes these back."""
    return [Line(each.account_id, each.side.other, each.amount_minor, each.currency, each.memo) for each in lines]


def digest_of(draft: Draft) -> bytes:
    """SHA-256 over everything an auditor would ask about, in a fixed spelling; the same draft has the same digest.

    Raises ValueError for a draft whose effective time is still open."""
    if draft.effective_at is None:
        raise ValueError("effective when?")
    head = (
        str(draft.book_id),
        draft.kind,
        draft.key,
        draft.effective_at.astimezone(UTC).isoformat(timespec="microseconds"),
        draft.description,
        draft.reference_type,
        draft.reference_id,
        str(draft.reverses_id or ""),
    )
    body = [(str(x.account_id), str(int(x.side)), str(x.amount_minor), x.currency, x.memo) for x in draft.lines]
    said = [field.encode() for fields in (head, *body) for field in fields]
    # The length before each field: no two drafts share a spelling.
    return hashlib.sha256(b"".join([len(each).to_bytes(4) + each for each in said])).digest()


def sealed(previous: bytes, seq: int, entry_id: UUID, digest: bytes) -> bytes:
    """The chain: each seal covers the one before it, its number, and what was posted."""
    return hashlib.sha256(previous + seq.to_bytes(8) + entry_id.bytes + digest).digest()


@dataclass(frozen=True, slots=True)
class Seeded:
    """A system account. `owner` is the app whose kinds alone may post to it."""

    role: str
    code: str
    name: str
    type: AccountType
    owner: str = ""
    against: bool = False
    """Grows on the other side of its type: discounts and returns stand against revenue."""

    @property
    def normal(self) -> Side:
        return self.type.normal.other if self.against else self.type.normal


def _chart() -> Iterable[Seeded]:
    asset, liability, equity = AccountType.ASSET, AccountType.LIABILITY, AccountType.EQUITY
    revenue, expense = AccountType.REVENUE, AccountType.EXPENSE
    yield Seeded("cash", "1000", "Cash", asset)
    yield Seeded("bank", "1010", "Bank", asset)
    for number, provider in enumerate(("stripe", "yookassa", "tbank", "bitpay", "sandbox"), 1):
        yield Seeded(f"clearing_{provider}", f"11{number}0", f"Clearing: {provider}", asset, owner="payments")
    yield Seeded("receivable", "1200", "Accounts receivable", asset, owner="sales")
    yield Seeded("inventory", "1300", "Inventory", asset, owner="sales")
    yield Seeded("suspense", "1900", "Suspense", asset)
    yield Seeded("payable", "2000", "Accounts payable", liability)
    yield Seeded("tax_payable", "2100", "Tax payable", liability)
    yield Seeded("customer_liability", "2200", "Customer liability", liability)
    yield Seeded("equity", "3000", "Owner's equity", equity)
    yield Seeded("retained_earnings", "3100", "Retained earnings", equity)
    yield Seeded("fx", "3900", "Currency exchange", equity)
    yield Seeded("sales_revenue", "4000", "Sales revenue", revenue)
    yield Seeded("discounts", "4100", "Discounts", revenue, against=True)
    yield Seeded("sales_returns", "4200", "Sales returns", revenue, against=True)
    yield Seeded("cogs", "5000", "Cost of goods sold", expense)
    yield Seeded("fees", "5100", "Fees", expense)
    yield Seeded("payroll", "5200", "Payroll", expense)
    yield Seeded("operating", "5300", "Operating expenses", expense)
    yield Seeded("rounding", "5900", "Rounding", expense)


CHART: Mapping[str, Seeded] = {each.role: each for each in _chart()}
"""By role, in the book's currency; another currency's account has the code with the currency behind it."""


def api_key(key: str) -> str:
    """An Idempotency-Key as an entry's key: in a name space of its own, so that nobody takes the house's keys away."""
    spelled = f"api:{key}"
    return spelled if len(spelled) <= LONGEST_KEY else f"api#{hashlib.sha256(key.encode()).hexdigest()}"


def code_in(code: str, currency: str, base: str) -> str:
    return code if currency == base else f"{code}.{currency}"


def aged(movements: Iterable[tuple[datetime, int]], until: datetime, days: Sequence[int]) -> list[int]:
    """Minor units a bucket: first in, first out. `movements` in order of time: positive is new debt, negative settles
    the oldest that is left. `days` are the upper ends of the buckets, rising; one more bucket is beyond them.

    What settles more than there is stays, negative, in the first bucket, so that the buckets add up to the balance."""
    open_debts: deque[list[Any]] = deque()
    surplus = 0
    for at, minor in movements:
        if minor > 0:
            used = min(minor, surplus)
            surplus -= used
            if minor > used:
                open_debts.append([at, minor - used])
            continue
        left = -minor
        while left and open_debts:
            taken = min(left, open_debts[0][1])
            open_debts[0][1] -= taken
            left -= taken
            if not open_debts[0][1]:
                open_debts.popleft()
        surplus += left
    buckets = [0] * (len(days) + 1)
    for at, minor in open_debts:
        buckets[bisect_left(days, (until - at).days)] += minor
    buckets[0] -= surplus
    return buckets


def bucket_names(days: Sequence[int]) -> tuple[str, ...]:
    """`(30, 60)`: 0-30, 31-60, over 60."""
    starts = [0, *(end + 1 for end in days)]
    return (*(f"{start}-{end}" for start, end in zip(starts, days, strict=False)), f"over {days[-1]}")


MOST_SCALE = 18
_RATE = re.compile(r"(?P<whole>[0-9]{1,15})(?:\.(?P<fraction>[0-9]{1,18}))?")


@dataclass(frozen=True, slots=True)
class Quoted:
    """A rate as it is kept: `mantissa` / 10^`scale` units of one currency for one of another, exactly."""

    mantissa: int
    scale: int

    @property
    def text(self) -> str:
        digits = str(self.mantissa).rjust(self.scale + 1, "0")
        return f"{digits[: -self.scale]}.{digits[-self.scale :]}" if self.scale else digits


def read_rate(text: str) -> Quoted:
    """From a decimal string: more than 0, at most 15 digits that count and 18 decimals. Raises ValueError."""
    found = _RATE.fullmatch(text) if text.isascii() else None
    if found is None:
        raise ValueError("a decimal string, such as 1.0825")
    fraction = (found["fraction"] or "").rstrip("0")
    mantissa = int(found["whole"] + fraction)
    if not 0 < mantissa <= MAX_MINOR:
        raise ValueError("more than 0, and at most 15 digits that count")
    return Quoted(mantissa, len(fraction))


def converted(amount: Money, quote: str, rate: Quoted) -> Money:
    """At so many `quote` for one of the amount's currency, rounded half to even to the smallest unit of `quote`.

    Whole numbers throughout. Raises MoneyError for more than money can be."""
    above = abs(amount.minor) * rate.mantissa * 10 ** EXPONENTS[quote]
    below = 10 ** (rate.scale + EXPONENTS[amount.currency])
    whole, left = divmod(above, below)
    if 2 * left > below or (2 * left == below and whole % 2):
        whole += 1
    return Money(-whole if amount.minor < 0 else whole, quote)
