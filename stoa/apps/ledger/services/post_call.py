"""The one statement of a posting on PostgreSQL, and its values in their order."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from psycopg.types.numeric import Int2, Int8

from stoa.apps.ledger.contracts import Draft
from stoa.apps.ledger.events import EntryPosted
from stoa.kit.ids import new_uuid
from stoa.platform.outbox.subscriptions import write_event
from stoa.runtime import context

_OF_ENTRY = ("uuid", "text", "text", "timestamptz", "text", "text", "text", "uuid", "smallint", "bytea")
_OF_EVENT = ("uuid", "text")
_OF_LINE = ("uuid", "uuid", "smallint", "bigint", "text", "text")
_MOST_LINES_APART = 5
"""psycopg reads a text of up to 50 values once and remembers it; six lines would be 52."""


def call_of(*, drafts: Sequence[Draft], digests: Sequence[bytes], ids: Sequence[UUID]) -> tuple[str, list[Any]]:
    """What `fetch_bound` is given: answers key, entry id, recorded_at, digest, effective_at of each draft.

    One entry of few lines is sent value by value and becomes arrays in the database: psycopg writes a value in C and
    an array in Python. The integers have one width each, or every amount would be another statement to prepare."""
    if len(drafts) == 1 and len(drafts[0].lines) <= _MOST_LINES_APART:
        return _apart(drafts[0], digests[0], ids[0])
    return _in_arrays(drafts, digests, ids)


def _apart(draft: Draft, digest: bytes, entry_id: UUID) -> tuple[str, list[Any]]:
    lines = draft.lines
    return _text_of(len(lines)), [
        *(draft.book_id, context.current().request_id or "", *_entry(draft, digest, entry_id)),
        *(new_uuid(), _event(draft, entry_id), EntryPosted.name, EntryPosted.version),
        *([entry_id] * len(lines)),
        *(line.account_id for line in lines),
        *(Int2(line.side) for line in lines),
        *(Int8(line.amount_minor) for line in lines),
        *(line.currency for line in lines),
        *(line.memo for line in lines),
    ]


def _in_arrays(drafts: Sequence[Draft], digests: Sequence[bytes], ids: Sequence[UUID]) -> tuple[str, list[Any]]:
    entries = [_entry(*each) for each in zip(drafts, digests, ids, strict=True)]
    lines = [(entry_id, line) for entry_id, draft in zip(ids, drafts, strict=True) for line in draft.lines]
    return _text_of(None), [
        *(drafts[0].book_id, context.current().request_id or "", *map(list, zip(*entries, strict=True))),
        [new_uuid() for _ in drafts],
        [_event(draft, entry_id) for draft, entry_id in zip(drafts, ids, strict=True)],
        *(EntryPosted.name, EntryPosted.version),
        [entry_id for entry_id, _ in lines],
        [line.account_id for _, line in lines],
        [Int2(line.side) for _, line in lines],
        [Int8(line.amount_minor) for _, line in lines],
        [line.currency for _, line in lines],
        [line.memo for _, line in lines],
    ]


def _entry(draft: Draft, digest: bytes, entry_id: UUID) -> tuple[Any, ...]:
    return (
        *(entry_id, draft.kind, draft.key, draft.effective_at, draft.description, draft.reference_type),
        *(draft.reference_id, draft.reverses_id, Int2(len(draft.lines)), digest),
    )


def _event(draft: Draft, entry_id: UUID) -> str:
    return write_event(EntryPosted(book_id=draft.book_id, entry_id=entry_id, kind=draft.kind))


@cache
def _text_of(lines_apart: int | None) -> str:
    """For one entry of so many lines, value by value; None: arrays."""

    def arrays(types: tuple[str, ...], count: int) -> Iterator[str]:
        for each in types:
            yield f"%s::{each}[]" if lines_apart is None else f"ARRAY[{', '.join([f'%s::{each}'] * count)}]"

    values = ["%s", "%s", *arrays(_OF_ENTRY, 1), *arrays(_OF_EVENT, 1), "%s", "%s", *arrays(_OF_LINE, lines_apart or 0)]
    asked = "key, entry_id, recorded_at, digest, effective_at"
    return f"SELECT {asked} FROM ledger_post_v1({', '.join(values)})"  # noqa: S608 - every part is written here
