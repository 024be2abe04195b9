"""Routes of the journal: entries, batches, reversals."""

from uuid import UUID

from stoa.apps.ledger.contracts import BatchResult, EntryRow, EntryView
from stoa.apps.ledger.errors import (
    AccountClosed,
    AlreadyReversed,
    BalanceTooLarge,
    ControlAccount,
    CurrencyMismatch,
    InsufficientFunds,
    KeyReused,
    PeriodLocked,
    ReversalOfReversal,
    Unbalanced,
    UnknownAccount,
)
from stoa.apps.ledger.http.inputs import BatchInput, EntryInput, ReversalInput
from stoa.apps.ledger.queries import entry_page, entry_view
from stoa.apps.ledger.services import journal
from stoa.kit.errors import Missing
from stoa.platform.http.access import org
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.pages import Page, PageQuery
from stoa.platform.http.views import Call

routes = Routes("ledger")
_ENTRIES = "ledger/entries"
_ENTRY = f"{_ENTRIES}/<uuid:entry_id>"
_REFUSALS = (
    *(AccountClosed, ControlAccount, InsufficientFunds, PeriodLocked, BalanceTooLarge),
    *(Unbalanced, UnknownAccount, CurrencyMismatch),
)


@routes.get(_ENTRIES, access=org("journal", "read"), query=PageQuery, answer=EntryRow, listed="keyset")
def list_entries(call: Call[None, PageQuery]) -> Page:
    """List entries, latest effective first."""
    return entry_page(call.query, route=call.route)


@routes.post(
    _ENTRIES,
    access=org("journal", "post"),
    body=EntryInput,
    answer=EntryView,
    status=201,
    raises=(*_REFUSALS, KeyReused),
    idempotency="required",
)
def post_entry(call: Call[EntryInput, None]) -> EntryView:
    """Post a manual entry. It is never changed: reverse it instead."""
    return journal.write_entry(book_id=call.org_id, asked=call.body.asked(), key=call.idempotency_key)


@routes.post(
    f"{_ENTRIES}/dry-run",
    access=org("journal", "post"),
    body=EntryInput,
    answer=EntryView,
    raises=_REFUSALS,
    idempotency="ignored",
)
def try_entry(call: Call[EntryInput, None]) -> EntryView:
    """Answer as posting would, and keep nothing."""
    return journal.try_entry(book_id=call.org_id, asked=call.body.asked())


@routes.get(_ENTRY, access=org("journal", "read"), answer=EntryView, raises=(Missing,))
def show_entry(call: Call[None, None], entry_id: UUID) -> EntryView:
    """Show an entry with its lines."""
    return entry_view(entry_id)


@routes.post(
    f"{_ENTRY}/reverse",
    access=org("journal", "reverse"),
    body=ReversalInput,
    answer=EntryView,
    status=201,
    raises=(Missing, AlreadyReversed, ReversalOfReversal, PeriodLocked, InsufficientFunds, AccountClosed, KeyReused),
    idempotency="required",
)
def reverse_entry(call: Call[ReversalInput, None], entry_id: UUID) -> EntryView:
    """Take an entry back by posting its mirror."""
    return journal.take_back(
        book_id=call.org_id,
        entry_id=entry_id,
        key=call.idempotency_key,
        effective_at=call.body.effective_at,
        reason=call.body.reason,
    )


@routes.post(
    "ledger/batches",
    access=org("journal", "post"),
    body=BatchInput,
    answer=BatchResult,
    status=201,
    raises=(*_REFUSALS, KeyReused),
    idempotency="required",
)
def post_batch(call: Call[BatchInput, None]) -> BatchResult:
    """Post many entries: all or none, or each by itself."""
    asked = [each.asked() for each in call.body.entries]
    items = journal.write_batch(book_id=call.org_id, asked=asked, key=call.idempotency_key, atomic=call.body.atomic)
    return BatchResult(items=tuple(items))
