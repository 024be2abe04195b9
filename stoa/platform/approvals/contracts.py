"""What is asked of a second person, and what the owner of an act promises."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from stoa.kit.contract import Contract


@dataclass(frozen=True, slots=True)
class Granted:
    """What an executor gets: the ask as it was made, and who decided."""

    id: UUID
    org_id: UUID
    subject: str
    reason: str
    payload: dict[str, Any]
    asked_by: UUID
    decided_by: UUID


class Executor(Protocol):
    """Does what was asked, in the transaction of the yes; a DomainError that it raises undoes the yes."""

    def __call__(self, *, granted: Granted) -> None: ...


class ApprovalView(Contract):
    """`told` says in words what is done when the answer is yes."""

    id: UUID
    action: str
    subject: str
    told: str
    reason: str
    state: str
    asked_by: UUID
    asked_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
