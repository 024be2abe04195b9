"""Posting: one balanced entry, or many. On PostgreSQL one statement that does all of it in the database."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, connection

from stoa.apps.ledger.contracts import Draft, Line, Posted, Side
from stoa.apps.ledger.domain import EARLIEST, LATEST, LONGEST_KEY, digest_of, faults_of, mirrored, unbalanced
from stoa.apps.ledger.errors import KeyReused, Unbalanced
from stoa.apps.ledger.events import EntryPosted
from stoa.apps.ledger.models import Entry
from stoa.apps.ledger.services.post_call import call_of
from stoa.apps.ledger.services.refusals import refusal_of
from stoa.kit.clock import utc_now
from stoa.kit.errors import Invalid, Missing
from stoa.kit.ids import new_uuid
from stoa.platform.db.bound import fetch_bound
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.db.transactions import hint_after_commit, transaction
from stoa.platform.outbox.publishing import publish
from stoa.platform.outbox.values import read_time, read_uuid, stored_time, stored_uuid
from stoa.platform.outbox.wake import wake
from stoa.runtime import context
from stoa.runtime.pause_points import pause_point

_LINE = """INSERT INTO ledger_line (entry_id, account_id, side, amount_minor, currency, memo)
VALUES (%s, %s, %s, %s, %s, %s)"""
_ENTRY = """INSERT INTO ledger_entry (id, book_id, kind, key, effective_at, description, reference_type, reference_id,
request_id, reverses_id, line_count, digest) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
RETURNING recorded_at"""
_BY_KEY = "SELECT id, recorded_at, digest, effective_at FROM ledger_entry WHERE book_id = %s AND key = %s"
_LONGEST = {"kind": 60, "description": 500, "reference_type": 40, "reference_id": 64}


def post_entry(*, draft: Draft) -> Posted:
    """Post one balanced entry, in the caller's transaction or as a statement of its own.

    The same key with the same content returns the first entry unchanged. On PostgreSQL: one query; holds the key and
    the book (shared), then locks the balances in account-id order.
    Raises Invalid, Unbalanced, KeyReused, UnknownAccount, CurrencyMismatch, AccountClosed, ControlAccount,
    PeriodLocked, InsufficientFunds, BalanceTooLarge, AlreadyReversed, ReversalOfReversal. Publishes EntryPosted."""
    refuse_unpostable(draft=draft)
    [posted] = _post([draft])
    pause_point("ledger.posted")
    return posted


def post_entries(*, drafts: Sequence[Draft]) -> list[Posted]:
    """All of them or none, in one statement on PostgreSQL, in the order that was asked. As `post_entry` otherwise.

    Raises ValueError for drafts of several books, Invalid for a key that two of them have."""
    for draft in drafts:
        refuse_unpostable(draft=draft)
    if len({draft.book_id for draft in drafts}) > 1:
        raise ValueError("a batch belongs to one book")
    if len({draft.key for draft in drafts}) < len(drafts):
        raise Invalid({"key": ["two entries of a batch have the same"]})
    return _post(drafts) if drafts else []


def reverse_entry(
    *, book_id: UUID, entry_id: UUID, key: str, effective_at: datetime | None = None, description: str = ""
) -> Posted:
    """Take an entry back by its mirror, effective when the original was unless said otherwise.

    The kind is the original's, so that whoever owns a control account may reverse on it.
    Raises Missing, AlreadyReversed, ReversalOfReversal, PeriodLocked, InsufficientFunds. Publishes EntryPosted."""
    with tenant_scope(book_id):
        entry = Entry.objects.filter(pk=entry_id).first()
    if entry is None:
        raise Missing
    return post_entry(
        draft=Draft(
            book_id=book_id,
            kind=entry.kind,
            key=key,
            effective_at=effective_at or entry.effective_at,
            lines=tuple(mirrored(lines_of(entry_id=entry.pk))),
            description=description or f"Reversal of {entry.pk}",
            reference_type=entry.reference_type,
            reference_id=entry.reference_id,
            reverses_id=entry.pk,
        )
    )


def lines_of(*, entry_id: UUID) -> list[Line]:
    """In the order in which they were posted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT account_id, side, amount_minor, currency, memo FROM ledger_line WHERE entry_id = %s ORDER BY id",
            [stored_uuid(entry_id)],
        )
        return [Line(read_uuid(row[0]), Side(row[1]), row[2], row[3], row[4]) for row in cursor.fetchall()]


def refuse_unpostable(*, draft: Draft) -> None:
    """What needs no account to be refused. Raises Invalid, Unbalanced."""
    faults = faults_of(draft.lines)
    if not 1 <= len(draft.key) <= LONGEST_KEY:
        faults["key"] = [f"1 to {LONGEST_KEY} characters"]
    at = draft.effective_at
    if at is not None and (at.tzinfo is None or not EARLIEST <= at < LATEST):
        faults["effective_at"] = [f"a time between {EARLIEST.year} and {LATEST.year}"]
    for name, longest in _LONGEST.items():
        if len(getattr(draft, name)) > longest:
            faults[name] = [f"at most {longest} characters"]
    if not draft.kind:
        faults["kind"] = ["what kind of entry this is"]
    texts = [draft.key, draft.kind, draft.description, draft.reference_type, draft.reference_id]
    if any("\x00" in text for text in [*texts, *(line.memo for line in draft.lines)]):
        faults["description"] = ["no text holds the character NUL"]
    if faults:
        raise Invalid(faults)
    found = unbalanced(draft.lines)
    if found is not None:
        currency, sums = found
        raise Unbalanced(currency, debit_sum=sums.debits, credit_sum=sums.credits)


@dataclass(frozen=True, slots=True)
class _First:
    """What stands under a key: this posting, or an earlier one."""

    posted: Posted
    digest: bytes
    effective_at: datetime


def _post(drafts: Sequence[Draft]) -> list[Posted]:
    now = utc_now()
    timed = [draft if draft.effective_at is not None else replace(draft, effective_at=now) for draft in drafts]
    digests = [digest_of(draft) for draft in timed]
    try:
        if connection.vendor == "postgresql":
            found = _post_by_function(timed, digests)
        else:
            with transaction():
                found = [_post_by_statements(*each) for each in zip(timed, digests, strict=True)]
    except IntegrityError as error:
        raise refusal_of(error=error) from None
    for first, draft, digest in zip(found, drafts, digests, strict=True):
        if first.digest != digest and (
            draft.effective_at is not None or first.digest != digest_of(replace(draft, effective_at=first.effective_at))
        ):
            raise KeyReused
    return [first.posted for first in found]


def _post_by_function(drafts: Sequence[Draft], digests: list[bytes]) -> list[_First]:
    ids = [new_uuid() for _ in drafts]
    statement, values = call_of(drafts=drafts, digests=digests, ids=ids)
    rows = {row[0]: row for row in fetch_bound(statement, values)}
    hint_after_commit(wake)
    found = []
    for draft, made_id in zip(drafts, ids, strict=True):
        _, entry_id, recorded_at, digest, effective_at = rows[draft.key]
        posted = Posted(entry_id=entry_id, recorded_at=recorded_at, is_new=entry_id == made_id)
        found.append(_First(posted, bytes(digest), effective_at))
    return found


def _post_by_statements(draft: Draft, digest: bytes) -> _First:
    """SQLite: one writer at a time from the transaction's start, so nothing needs a lock of its own."""
    entry_id, effective_at = new_uuid(), draft.effective_at
    assert effective_at is not None
    with connection.cursor() as cursor:
        cursor.execute(_BY_KEY, [stored_uuid(draft.book_id), draft.key])
        found = cursor.fetchone()
        if found is not None:
            posted = Posted(entry_id=read_uuid(found[0]), recorded_at=read_time(found[1]), is_new=False)
            return _First(posted, bytes(found[2]), read_time(found[3]))
        stored_id = stored_uuid(entry_id)
        for line in draft.lines:
            cursor.execute(
                _LINE,
                [stored_id, stored_uuid(line.account_id), line.side, line.amount_minor, line.currency, line.memo],
            )
        pause_point("ledger.lines_written")
        cursor.execute(
            _ENTRY,
            [
                *(stored_id, stored_uuid(draft.book_id), draft.kind, draft.key, stored_time(effective_at)),
                *(draft.description, draft.reference_type, draft.reference_id, context.current().request_id or ""),
                *(stored_uuid(draft.reverses_id) if draft.reverses_id else None, len(draft.lines), digest),
            ],
        )
        recorded_at = cursor.fetchone()[0]
        publish(EntryPosted(book_id=draft.book_id, entry_id=entry_id, kind=draft.kind))
    return _First(Posted(entry_id=entry_id, recorded_at=read_time(recorded_at), is_new=True), digest, effective_at)
