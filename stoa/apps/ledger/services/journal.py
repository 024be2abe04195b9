"""The journal as people write it: manual entries, batches, reversals, each with its line in the audit trail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from stoa.apps.ledger.contracts import BatchItem, Draft, EntryView, Line, Side
from stoa.apps.ledger.domain import MANUAL, api_key, faults_of
from stoa.apps.ledger.errors import UnknownAccount
from stoa.apps.ledger.models import Account
from stoa.apps.ledger.queries import entry_view, hold_of
from stoa.apps.ledger.services.holds import post_hold
from stoa.apps.ledger.services.posting import post_entry, reverse_entry
from stoa.kit.errors import DomainError, Invalid
from stoa.kit.ids import new_id
from stoa.kit.money import Money, MoneyError
from stoa.platform.audit.recording import record
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.db.transactions import savepoint, transaction


@dataclass(frozen=True, slots=True)
class AskedLine:
    """As it was written: either a side and an amount, or a decimal string under `debit` or under `credit`."""

    account_id: UUID
    side: Side | None = None
    amount: Money | None = None
    debit: str | None = None
    credit: str | None = None
    memo: str = ""


@dataclass(frozen=True, slots=True)
class AskedEntry:
    lines: Sequence[AskedLine]
    effective_at: datetime | None = None
    description: str = ""
    reference_type: str = ""
    reference_id: str = ""


class _Undone(Exception):
    """A dry run's end."""


def write_entry(*, book_id: UUID, asked: AskedEntry, key: str) -> EntryView:
    """Post a manual entry; `key` is the request's Idempotency-Key. As `post_entry` otherwise."""
    with tenant_scope(book_id), transaction():
        return _post(book_id, asked, api_key(key))


def try_entry(*, book_id: UUID, asked: AskedEntry) -> EntryView:
    """What `write_entry` would answer; nothing of it is kept. Raises what that raises. Not inside a transaction."""
    told: list[EntryView] = []
    try:
        with tenant_scope(book_id), transaction():
            told.append(_post(book_id, asked, new_id()))
            raise _Undone
    except _Undone:
        return told[0]


def write_batch(*, book_id: UUID, asked: Sequence[AskedEntry], key: str, atomic: bool) -> list[BatchItem]:
    """Post many under one key. `atomic`: all or none, and the first refusal is raised, its place before its fields.

    Otherwise each by itself, and a refused one says why in its item; a repeated request posts what is missing."""
    if atomic:
        with tenant_scope(book_id), transaction():
            return [_item(book_id, number, each, key) for number, each in enumerate(asked)]
    items = []
    with tenant_scope(book_id), transaction():
        for number, each in enumerate(asked):
            try:
                with savepoint():
                    items.append(_item(book_id, number, each, key))
            except DomainError as refused:
                items.append(BatchItem(entry_id=None, code=refused.code, message=refused.text))
    return items


def write_on_hold(*, book_id: UUID, hold_id: UUID, asked: AskedEntry, key: str) -> EntryView:
    """Post a manual entry that takes what is held, or part of it. As `post_hold` otherwise."""
    with tenant_scope(book_id), transaction():
        hold_of(hold_id)  # a hold that is not there is said before what is wrong with the lines
        posted = post_hold(book_id=book_id, hold_id=hold_id, draft=_draft(book_id, asked, api_key(key)))
        if posted.is_new:
            _record("ledger.entry_posted", book_id, posted.entry_id, {"hold": str(hold_id)})
        return entry_view(posted.entry_id)


def take_back(*, book_id: UUID, entry_id: UUID, key: str, effective_at: datetime | None, reason: str) -> EntryView:
    """Reverse an entry; `reason` becomes the reversal's description. As `reverse_entry` otherwise."""
    with tenant_scope(book_id), transaction():
        posted = reverse_entry(
            book_id=book_id, entry_id=entry_id, key=api_key(key), effective_at=effective_at, description=reason
        )
        _record("ledger.entry_reversed", book_id, posted.entry_id, {"reverses": str(entry_id), "reason": reason})
        return entry_view(posted.entry_id)


def read_lines(*, asked: Sequence[AskedLine]) -> tuple[Line, ...]:
    """In the scope in force; one query for the accounts' currencies. Raises Invalid with the path, UnknownAccount."""
    currencies = dict(Account.objects.filter(pk__in={each.account_id for each in asked}).values_list("pk", "currency"))
    faults: dict[str, list[str]] = {}
    lines = []
    for number, each in enumerate(asked):
        if each.account_id not in currencies:
            raise UnknownAccount(details={"line": number})
        try:
            lines.append(_line(each, currencies[each.account_id]))
        except MoneyError as error:
            faults[f"lines.{number}.amount"] = [str(error)]
    if faults:
        raise Invalid(faults)
    faults = faults_of(lines)
    if faults:
        raise Invalid(faults)
    return tuple(lines)


def _line(asked: AskedLine, currency: str) -> Line:
    if asked.amount is not None and asked.side is not None and asked.debit is None and asked.credit is None:
        return Line(asked.account_id, asked.side, asked.amount.minor, asked.amount.currency, asked.memo)
    if asked.amount is not None or asked.side is not None:
        raise MoneyError("either side and amount, or one of debit and credit")
    sides = {Side.DEBIT: asked.debit, Side.CREDIT: asked.credit}
    read = {side: Money.parse(text, currency).minor for side, text in sides.items() if text is not None}
    positive = {side: minor for side, minor in read.items() if minor}
    if len(positive) != 1 or min(positive.values()) < 0:
        raise MoneyError("exactly one of debit and credit is more than 0")
    [(side, minor)] = positive.items()
    return Line(asked.account_id, side, minor, currency, asked.memo)


def _item(book_id: UUID, number: int, asked: AskedEntry, key: str) -> BatchItem:
    try:
        view = _post(book_id, asked, api_key(f"{key}:{number}"))
    except Invalid as refused:
        raise Invalid({f"entries.{number}.{path}": why for path, why in refused.fields.items()}) from None
    except DomainError as refused:
        refused.details["entry"] = number
        raise
    return BatchItem(entry_id=view.id, code="", message="")


def _draft(book_id: UUID, asked: AskedEntry, key: str) -> Draft:
    return Draft(
        book_id=book_id,
        kind=MANUAL,
        key=key,
        effective_at=asked.effective_at,
        lines=read_lines(asked=asked.lines),
        description=asked.description,
        reference_type=asked.reference_type,
        reference_id=asked.reference_id,
    )


def _post(book_id: UUID, asked: AskedEntry, key: str) -> EntryView:
    posted = post_entry(draft=_draft(book_id, asked, key))
    if posted.is_new:
        _record("ledger.entry_posted", book_id, posted.entry_id, {"description": asked.description})
    return entry_view(posted.entry_id)


def _record(action: str, book_id: UUID, entry_id: UUID, after: Mapping[str, object]) -> None:
    record(action=action, object_type="ledger_entry", object_id=entry_id, org_id=book_id, after=after)
