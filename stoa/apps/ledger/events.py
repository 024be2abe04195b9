"""What happened in the books. Ids only: amounts are read from the ledger."""

from typing import ClassVar
from uuid import UUID

from stoa.kit.event import Event


class EntryPosted(Event):
    """`kind` is the caller's word for what was posted, such as `payments.captured`."""

    name: ClassVar[str] = "ledger.entry_posted"
    book_id: UUID
    entry_id: UUID
    kind: str


class PeriodClosed(Event):
    name: ClassVar[str] = "ledger.period_closed"
    book_id: UUID
    period_id: UUID

    @property
    def key(self) -> str:
        return str(self.book_id)


class RecordQuarantined(Event):
    """A record failed a check, or somebody set it aside. `kind` is the check's name, or `by_hand`."""

    name: ClassVar[str] = "ledger.record_quarantined"
    book_id: UUID
    quarantine_id: UUID
    kind: str
    subject: str


class RecordCured(Event):
    name: ClassVar[str] = "ledger.record_cured"
    book_id: UUID
    quarantine_id: UUID
    entry_id: UUID


class ReportAsked(Event):
    name: ClassVar[str] = "ledger.report_asked"
    book_id: UUID
    job_id: UUID
