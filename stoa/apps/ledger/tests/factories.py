"""Small makers of books and entries for tests of every app."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from stoa.apps.ledger.contracts import AccountType, Draft, Line, Posted, credit, debit
from stoa.apps.ledger.domain import MANUAL
from stoa.apps.ledger.models import Account
from stoa.apps.ledger.services.accounts import open_account
from stoa.apps.ledger.services.books import open_book
from stoa.apps.ledger.services.posting import post_entry
from stoa.kit.ids import new_id, new_uuid
from stoa.kit.money import Money
from stoa.platform.db.tenant import tenant_scope

AT = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)


@dataclass
class Books:
    """A book of its own, with its accounts by role."""

    currency: str = "USD"
    id: UUID = field(default_factory=new_uuid)
    by_role: dict[str, UUID] = field(default_factory=dict)

    def __post_init__(self) -> None:
        open_book(book_id=self.id, currency=self.currency)
        with tenant_scope(self.id):
            self.by_role = dict(Account.objects.exclude(role="").values_list("role", "pk"))

    def __getitem__(self, role: str) -> UUID:
        return self.by_role[role]

    def account(self, code: str, *, floor: int | None = None, owner: str = "", kind: str = "asset") -> UUID:
        return open_account(
            book_id=self.id,
            code=code,
            name=code,
            account_type=AccountType(kind),
            currency=self.currency,
            owner=owner,
            floor=None if floor is None else Money(floor, self.currency),
        ).id

    def between(self, to: UUID, source: UUID, amount: int) -> tuple[Line, ...]:
        return debit(to, amount, self.currency), credit(source, amount, self.currency)

    def draft(
        self, lines: tuple[Line, ...], *, key: str = "", kind: str = MANUAL, at: datetime = AT, description: str = ""
    ) -> Draft:
        return Draft(
            book_id=self.id, kind=kind, key=key or new_id(), effective_at=at, lines=lines, description=description
        )

    def move(self, to: str | UUID, source: str | UUID, amount: int, **of_draft: object) -> Posted:
        """Debit `to`, credit `source`: roles or account ids."""
        here = [self[each] if isinstance(each, str) else each for each in (to, source)]
        return post_entry(draft=self.draft(self.between(here[0], here[1], amount), **of_draft))  # type: ignore[arg-type]
