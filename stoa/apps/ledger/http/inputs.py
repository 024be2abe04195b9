"""What the routes of the ledger accept."""

from typing import Annotated, Literal

from pydantic import Field

from stoa.apps.ledger.contracts import AccountType, Side
from stoa.apps.ledger.domain import LONGEST_KEY, MOST_LINES
from stoa.apps.ledger.services.journal import AskedEntry, AskedLine
from stoa.platform.http.inputs import Id, Input, Moment, MoneyInput, Text

MOST_ENTRIES = 200
WITHOUT = "Without the records that are set aside, and without their cures."
Decimal = Annotated[str, Field(max_length=40, examples=["12.50"], description="A decimal string, never a number.")]
Code = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,31}$", examples=["1050"])]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", examples=["USD"])]
Key = Annotated[str, Field(min_length=1, max_length=LONGEST_KEY)]


class AccountInput(Input):
    code: Code
    name: Text = Field(max_length=120)
    type: Literal["asset", "liability", "equity", "revenue", "expense"]
    currency: Currency
    parent_id: Id | None = None
    floor: MoneyInput | None = Field(None, description="Least available balance; none: no limit.")

    @property
    def account_type(self) -> AccountType:
        return AccountType(self.type)


class NameInput(Input):
    name: Text = Field(max_length=120)


class LineInput(Input):
    """Either `side` and `amount`, or a decimal string under exactly one of `debit` and `credit`."""

    account_id: Id
    side: Literal["debit", "credit"] | None = None
    amount: MoneyInput | None = None
    debit: Decimal | None = None
    credit: Decimal | None = None
    description: str = Field("", max_length=200)

    def asked(self) -> AskedLine:
        return AskedLine(
            account_id=self.account_id,
            side=Side[self.side.upper()] if self.side is not None else None,
            amount=self.amount,
            debit=self.debit,
            credit=self.credit,
            memo=self.description,
        )


class EntryInput(Input):
    lines: list[LineInput] = Field(min_length=2, max_length=MOST_LINES)
    effective_at: Moment | None = Field(None, description="When it took place; now, unless given.")
    description: str = Field("", max_length=500)
    reference_type: str = Field("", max_length=40)
    reference_id: str = Field("", max_length=64)

    def asked(self) -> AskedEntry:
        return AskedEntry(
            lines=[line.asked() for line in self.lines],
            effective_at=self.effective_at,
            description=self.description,
            reference_type=self.reference_type,
            reference_id=self.reference_id,
        )


class BatchInput(Input):
    entries: list[EntryInput] = Field(min_length=1, max_length=MOST_ENTRIES)
    atomic: bool = Field(True, description="All or none; otherwise each by itself.")


class ReversalInput(Input):
    reason: Text = Field(max_length=500)
    effective_at: Moment | None = Field(None, description="When it is taken back; as the entry, unless given.")


class HoldInput(Input):
    account_id: Id
    amount: MoneyInput
    expires_at: Moment


class PeriodInput(Input):
    name: Text = Field(max_length=40)
    starts_at: Moment
    ends_at: Moment = Field(description="The first instant after the period.")


class PeriodCloseInput(Input):
    reason: str = Field("", max_length=500, description="Why it is closed in spite of what the checks block.")


class ReasonInput(Input):
    reason: Text
