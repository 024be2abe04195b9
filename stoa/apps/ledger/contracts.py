"""What the ledger is told and tells. Lines and drafts are plain slotted dataclasses: thousands of them are made a second."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from uuid import UUID

from stoa.kit.contract import Contract
from stoa.kit.money import Money

PLATFORM_BOOK = UUID(int=0)
"""Whose currency is the coin: no organization has this id, because ours are UUIDv7."""

CURE = "ledger.cure"
"""What a second person says yes to."""


class Side(IntEnum):
    DEBIT = 1
    CREDIT = -1

    @property
    def other(self) -> "Side":
        return Side(-self)


class AccountType(StrEnum):
    ASSET = "asset"
    LIABILITY = "liability"
    EQUITY = "equity"
    REVENUE = "revenue"
    EXPENSE = "expense"

    @property
    def normal(self) -> Side:
        """Where such an account grows."""
        return Side.DEBIT if self in {AccountType.ASSET, AccountType.EXPENSE} else Side.CREDIT


@dataclass(frozen=True, slots=True)
class Line:
    """One side of an entry: `amount_minor` > 0 in the smallest unit of `currency`."""

    account_id: UUID
    side: Side
    amount_minor: int
    currency: str
    memo: str = ""


def debit(account_id: UUID, amount_minor: int, currency: str, memo: str = "") -> Line:
    return Line(account_id, Side.DEBIT, amount_minor, currency, memo)


def credit(account_id: UUID, amount_minor: int, currency: str, memo: str = "") -> Line:
    return Line(account_id, Side.CREDIT, amount_minor, currency, memo)


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before it is posted. `key` is the caller's: one effect per key and book. `effective_at` None: now, and
    when the key is repeated, then when it first was."""

    book_id: UUID
    kind: str
    key: str
    effective_at: datetime | None
    lines: tuple[Line, ...]
    description: str = ""
    reference_type: str = ""
    reference_id: str = ""
    reverses_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Of effective time: from `since` up to but without `until`; None: from the beginning, to the end.

    `recorded_to`: as it was known at that instant. `without_quarantined`: without the entries that were set aside,
    and without those that cured them."""

    since: datetime | None = None
    until: datetime | None = None
    recorded_to: datetime | None = None
    without_quarantined: bool = False


class Posted(Contract):
    """`is_new` is false where the key had its entry already."""

    entry_id: UUID
    recorded_at: datetime
    is_new: bool


class AccountView(Contract):
    """`balance` on the account's normal side; `available` is the balance less what is held."""

    id: UUID
    code: str
    name: str
    type: str
    normal_side: str
    currency: str
    parent_id: UUID | None
    role: str
    owner: str
    floor: Money | None
    is_open: bool
    balance: Money
    held: Money
    available: Money


class LineView(Contract):
    account_id: UUID
    account_code: str
    account_name: str
    side: str
    amount: Money
    memo: str


class AccountLine(Contract):
    """One line of an account, with what its entry says. `balance` is the account's after this line, in the order of
    posting, on its normal side."""

    entry_id: UUID
    kind: str
    effective_at: datetime
    side: str
    amount: Money
    balance: Money
    reference_type: str
    reference_id: str
    reverses_id: UUID | None


class EntryView(Contract):
    """`number` is its place in the sealed chain; none yet: provisional."""

    id: UUID
    number: int | None
    kind: str
    key: str
    effective_at: datetime
    recorded_at: datetime
    description: str
    reference_type: str
    reference_id: str
    request_id: str
    reverses_id: UUID | None
    reversed_by_id: UUID | None
    lines: tuple[LineView, ...]


class EntryRow(Contract):
    """One of a list: without its lines."""

    id: UUID
    kind: str
    effective_at: datetime
    recorded_at: datetime
    description: str
    reference_type: str
    reference_id: str
    reverses_id: UUID | None


class BatchItem(Contract):
    """One of a batch: posted, or refused with a code."""

    entry_id: UUID | None
    code: str
    message: str


class BatchResult(Contract):
    """In the order of the request."""

    items: tuple[BatchItem, ...]


class YearClosed(Contract):
    """One entry a currency; none where there was nothing to close."""

    entries: tuple[Posted, ...]


class HoldView(Contract):
    id: UUID
    account_id: UUID
    amount: Money
    state: str
    expires_at: datetime
    entry_id: UUID | None


class PeriodView(Contract):
    id: UUID
    name: str
    starts_at: datetime
    ends_at: datetime
    is_closed: bool


class SetAside(Contract):
    """A quarantined record as reports name it; with a cure it is mended."""

    kind: str
    subject: str
    cure_id: UUID | None


class QuarantineView(Contract):
    """`approval_id`: where a second person was asked last to say yes to a cure."""

    id: UUID
    kind: str
    subject: str
    entry_id: UUID | None
    told: str
    reason: str
    quarantined_by: UUID | None
    quarantined_at: datetime
    is_cured: bool
    approval_id: UUID | None
    cure_id: UUID | None
    cure_reason: str
    cured_by: UUID | None
    cured_at: datetime | None


class TrialRow(Contract):
    """Sums of one account; `balance` on its normal side."""

    account_id: UUID
    code: str
    name: str
    type: str
    debits: Money
    credits: Money
    balance: Money


class CurrencyTotal(Contract):
    debits: Money
    credits: Money


class TrialBalance(Contract):
    """`sealed_to` is the last number of the chain when it was made: what names the report."""

    effective_to: datetime | None
    recorded_to: datetime | None
    sealed_to: int
    quarantined: tuple[SetAside, ...]
    rows: tuple[TrialRow, ...]
    totals: tuple[CurrencyTotal, ...]


class Fault(Contract):
    """Something in the books that does not hold: an entry, a line, an account, a hold or a number of the chain."""

    kind: str
    subject: str
    told: str


class Verdict(Contract):
    """What a check of the books found. No faults: everything holds, but for what is `known`: records that failed, were
    quarantined and cured."""

    entries: int
    sealed: int
    faults: tuple[Fault, ...]
    known: tuple[Fault, ...]


class Anchor(Contract):
    """The end of a book's chain at an instant; `hash` in hex."""

    book_id: UUID
    seq: int
    hash: str
    at: datetime


class StatementTotal(Contract):
    """One account in a section of a statement."""

    account_id: UUID
    code: str
    name: str
    amount: Money


class Section(Contract):
    """`totals` has one amount a currency."""

    title: str
    rows: tuple[StatementTotal, ...]
    totals: tuple[Money, ...]


class IncomeStatement(Contract):
    """From `since` up to but without `until`."""

    since: datetime | None
    until: datetime | None
    recorded_to: datetime | None
    sealed_to: int
    quarantined: tuple[SetAside, ...]
    revenue: Section
    expenses: Section
    net_income: tuple[Money, ...]


class BalanceSheet(Contract):
    """`difference`, one a currency, is zero in books that hold."""

    until: datetime | None
    recorded_to: datetime | None
    sealed_to: int
    quarantined: tuple[SetAside, ...]
    assets: Section
    liabilities: Section
    equity: Section
    unclosed_earnings: tuple[Money, ...]
    difference: tuple[Money, ...]


class CashFlowRow(Contract):
    """What came (or, negative, went) by this account."""

    account_id: UUID
    code: str
    name: str
    type: str
    flow: Money


class CashFlow(Contract):
    since: datetime | None
    until: datetime | None
    recorded_to: datetime | None
    sealed_to: int
    quarantined: tuple[SetAside, ...]
    opening: tuple[Money, ...]
    rows: tuple[CashFlowRow, ...]
    closing: tuple[Money, ...]


class TaxRow(Contract):
    opening: Money
    charged: Money
    paid: Money
    closing: Money


class TaxReport(Contract):
    """One row a currency."""

    since: datetime | None
    until: datetime | None
    recorded_to: datetime | None
    sealed_to: int
    quarantined: tuple[SetAside, ...]
    rows: tuple[TaxRow, ...]


class StatementRow(Contract):
    entry_id: UUID
    effective_at: datetime
    kind: str
    description: str
    side: str
    amount: Money
    balance: Money


class Statement(Contract):
    """An account's lines; `balance` runs on its normal side."""

    account_id: UUID
    code: str
    name: str
    since: datetime | None
    until: datetime | None
    opening: Money
    rows: tuple[StatementRow, ...]
    closing: Money


class LedgerAccount(Contract):
    """One account of the general ledger; balances on its normal side."""

    account_id: UUID
    code: str
    name: str
    opening: Money
    rows: tuple[StatementRow, ...]
    closing: Money


class GeneralLedger(Contract):
    """Every account that held something or moved, by code."""

    since: datetime | None
    until: datetime | None
    recorded_to: datetime | None
    sealed_to: int
    quarantined: tuple[SetAside, ...]
    accounts: tuple[LedgerAccount, ...]


class AgedRow(Contract):
    """What one document or customer owes, or is owed: an amount a bucket, then all of them. What was paid too much
    stands, negative, in the first."""

    reference_type: str
    reference_id: str
    amounts: tuple[Money, ...]
    total: Money


class AgedReport(Contract):
    """`buckets` are days since the entry: `0-30`, `31-60`, ... Payments settle the oldest debt of their reference."""

    until: datetime
    recorded_to: datetime | None
    sealed_to: int
    quarantined: tuple[SetAside, ...]
    buckets: tuple[str, ...]
    rows: tuple[AgedRow, ...]
    totals: tuple[Money, ...]


class RateView(Contract):
    """One of `base` is `rate` of `quote`, a decimal string, from `at` on."""

    id: UUID
    base: str
    quote: str
    rate: str
    at: datetime
    source: str


class TemplateAmount(Contract):
    """One that may be left out counts as 0."""

    name: str
    about: str
    is_required: bool


class TemplateView(Contract):
    """A business event: the amounts it asks for, and what is then debited and credited, account by role."""

    name: str
    about: str
    amounts: tuple[TemplateAmount, ...]
    debits: tuple[str, ...]
    credits: tuple[str, ...]


class TemplateList(Contract):
    templates: tuple[TemplateView, ...]


class Finding(Contract):
    """Something to look at before a period is closed; what `blocks` needs a reason to be passed over."""

    kind: str
    told: str
    count: int
    blocks: bool


class PeriodChecks(Contract):
    findings: tuple[Finding, ...]


class ReportJobView(Contract):
    """`rows_total` is known once it runs; `url` once it is done: for who asks, with their token, for a while."""

    id: UUID
    report: str
    format: str
    state: str
    rows_done: int
    rows_total: int | None
    size_bytes: int | None
    sha256: str
    failure: str
    asked_at: datetime
    finished_at: datetime | None
    expires_at: datetime
    url: str | None
