"""Keyset slices: every row once, in order, however the table changes between two slices."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stoa.kit.cursors import Position
from stoa.kit.ids import new_uuid
from stoa.platform.db.keyset import BadPosition, Slice, keyset_slice
from stoa.platform.db.transactions import transaction
from tests.probe.models import Note

START = datetime(2026, 1, 1, tzinfo=UTC)
NEWEST_FIRST = ("-created_at", "-id")
ORDERS: tuple[Sequence[str], ...] = (NEWEST_FIRST, ("created_at", "id"), ("amount_minor", "-created_at", "id"))


class RolledBack(Exception):
    pass


def notes(owner: UUID, ticks: Sequence[int]) -> list[Note]:
    """One note for each tick, a microsecond apart; equal ticks are equal times."""
    made = [
        Note(
            title=f"{index} {new_uuid()}",
            owner_id=owner,
            amount_minor=tick % 2,
            created_at=START + timedelta(microseconds=tick),
        )
        for index, tick in enumerate(ticks)
    ]
    return Note.objects.bulk_create(made)


def slice_of(
    owner: UUID, order: Sequence[str], limit: int, position: Position | None, *, backwards: bool = False
) -> Slice[Note]:
    rows = Note.objects.filter(owner_id=owner)
    return keyset_slice(rows, order=order, limit=limit, position=position, backwards=backwards)


def ids(rows: Sequence[Note]) -> list[UUID]:
    return [row.pk for row in rows]


@given(
    ticks=st.lists(st.integers(0, 3), max_size=9),
    later=st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=6),
    limit=st.integers(1, 4),
    order=st.sampled_from(ORDERS),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_there_throughout_is_seen_once_and_in_order(
    db: None, ticks: list[int], later: list[tuple[int, bool]], limit: int, order: Sequence[str]
) -> None:
    """Between any two slices a row is inserted at some tick, or the row at the edge of the slice is deleted."""
    owner = new_uuid()
    changes = list(later)
    with pytest.raises(RolledBack), transaction():
        lasting = {note.pk for note in notes(owner, ticks)}
        seen: list[UUID] = []
        position: Position | None = None
        for _ in range(40):
            piece = slice_of(owner, order, limit, position)
            assert len(piece.rows) <= limit
            seen += ids(piece.rows)
            position = piece.next_position
            if position is None:
                break
            if changes:
                tick, delete = changes.pop()
                if delete:
                    edge = piece.rows[-1]
                    lasting.discard(edge.pk)
                    Note.objects.filter(pk=edge.pk).delete()
                else:
                    notes(owner, [tick])
        assert position is None
        assert len(seen) == len(set(seen))
        assert lasting <= set(seen)
        in_order = ids(list(Note.objects.filter(owner_id=owner, pk__in=seen).order_by(*order)))
        assert [one for one in seen if one in set(in_order)] == in_order
        raise RolledBack


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_there_and_back_again(db: None, order: Sequence[str], limit: int) -> None:
    owner = new_uuid()
    notes(owner, [0, 0, 1, 1, 1, 2, 5])
    forwards = [slice_of(owner, order, limit, None)]
    while forwards[-1].next_position is not None:
        forwards.append(slice_of(owner, order, limit, forwards[-1].next_position))
    whole = [one for piece in forwards for one in ids(piece.rows)]
    assert whole == ids(list(Note.objects.filter(owner_id=owner).order_by(*order)))
    piece, back = forwards[-1], ids(forwards[-1].rows)
    while piece.prev_position is not None:
        onward = piece
        piece = slice_of(owner, order, limit, piece.prev_position, backwards=True)
        back = ids(piece.rows) + back
        assert ids(slice_of(owner, order, len(onward.rows), piece.next_position).rows) == ids(onward.rows)
    assert back == whole


def test_going_back_sees_what_was_inserted_before_meanwhile(db: None) -> None:
    owner = new_uuid()
    old = notes(owner, [1, 2, 3, 4])
    first = slice_of(owner, NEWEST_FIRST, 2, None)
    second = slice_of(owner, NEWEST_FIRST, 2, first.next_position)
    new = notes(owner, [9])
    back = slice_of(owner, NEWEST_FIRST, 2, second.prev_position, backwards=True)
    assert ids(back.rows) == [old[3].pk, old[2].pk]
    assert ids(slice_of(owner, NEWEST_FIRST, 2, back.prev_position, backwards=True).rows) == [new[0].pk]


def test_the_first_slice_has_nothing_before_and_the_last_nothing_after(db: None) -> None:
    owner = new_uuid()
    notes(owner, [1, 2, 3])
    first = slice_of(owner, NEWEST_FIRST, 2, None)
    last = slice_of(owner, NEWEST_FIRST, 2, first.next_position)
    assert first.prev_position is None
    assert first.next_position is not None
    assert last.next_position is None
    assert last.prev_position is not None
    exact = slice_of(owner, NEWEST_FIRST, 3, None)
    assert (exact.next_position, exact.prev_position) == (None, None)


def test_times_a_microsecond_apart_are_told_apart(db: None) -> None:
    owner = new_uuid()
    made = notes(owner, range(5))
    seen: list[UUID] = []
    position: Position | None = None
    for _ in made:
        piece = slice_of(owner, NEWEST_FIRST, 1, position)
        seen += ids(piece.rows)
        position = piece.next_position
    assert seen == ids(made)[::-1]
    assert len(list(pairwise(seen))) == 4


@pytest.mark.parametrize(
    "position",
    [(), ("2026-01-01T00:00:00+00:00",), ("yesterday", str(new_uuid())), ("2026-01-01T00:00:00+00:00", "7"), (1, 2, 3)],
)
def test_a_position_of_another_order_is_refused(db: None, position: Position) -> None:
    with pytest.raises(BadPosition):
        slice_of(new_uuid(), NEWEST_FIRST, 2, position)
