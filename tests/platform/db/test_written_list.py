"""A list written in SQL gives what the ORM's slice gives, on both databases and in both directions."""

from datetime import UTC, datetime, timedelta

import pytest

from stoa.kit.ids import new_uuid
from stoa.platform.db.keyset import BadPosition, keyset_slice
from stoa.platform.db.written_list import WrittenList
from tests.probe.models import Note

OWNER = new_uuid()
START = datetime(2026, 2, 3, 12, 0, 0, 123_456, tzinfo=UTC)


def notes_of(order: tuple[str, ...]) -> WrittenList:
    return WrittenList(
        model=Note,
        columns=("id", "title", "created_at"),
        where="owner_id = %(owner)s AND title <> %(hidden)s",
        given={"owner": "owner_id", "hidden": "title"},
        order=order,
    )


@pytest.fixture
def notes(db: None) -> None:
    Note.objects.bulk_create(
        # Three share each moment, so that the id has to decide.
        Note(title=f"note {number}", owner_id=OWNER, created_at=START + timedelta(seconds=number // 3))
        for number in range(10)
    )
    Note.objects.create(title="of another", owner_id=new_uuid())
    Note.objects.create(title="hidden", owner_id=OWNER)


@pytest.mark.parametrize("order", [("-created_at", "-id"), ("created_at", "id"), ("id",)])
@pytest.mark.parametrize("limit", [1, 3, 9, 10, 11])
def test_there_and_back_as_the_orm_reads_it(notes: None, order: tuple[str, ...], limit: int) -> None:
    written, values = notes_of(order), {"owner": OWNER, "hidden": "hidden"}
    queryset = Note.objects.filter(owner_id=OWNER).exclude(title="hidden")
    position, backwards, steps = None, False, 0
    while True:
        ours = written.read(values, limit=limit, position=position, backwards=backwards)
        theirs = keyset_slice(queryset, order=order, limit=limit, position=position, backwards=backwards)
        assert list(ours.rows) == [(note.id, note.title, note.created_at) for note in theirs.rows]
        assert (ours.next_position, ours.prev_position) == (theirs.next_position, theirs.prev_position)
        steps += 1
        backwards = backwards or ours.next_position is None
        position = ours.prev_position if backwards else ours.next_position
        if position is None:
            break
    assert steps == 2 * -(-10 // limit) - 1


@pytest.mark.parametrize("position", [("only one",), ("not a time", "not an id"), (1, 2, 3)])
def test_a_position_of_another_list_is_refused(notes: None, position: tuple[str | int, ...]) -> None:
    with pytest.raises(BadPosition):
        notes_of(("-created_at", "-id")).read({"owner": OWNER, "hidden": ""}, limit=3, position=position)
