"""Keyset slices: rows after (or before) a position, so that pages neither repeat nor skip while rows are inserted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

from stoa.kit.cursors import Position


class BadPosition(ValueError):
    """A position that does not fit the order it is used with."""


@dataclass(frozen=True, slots=True)
class Slice[R]:
    """Rows in list order. A position is None where there is nothing further that way."""

    rows: Sequence[R]
    next_position: Position | None
    prev_position: Position | None


def keyset_slice[M: Model](
    queryset: QuerySet[M], *, order: Sequence[str], limit: int, position: Position | None, backwards: bool = False
) -> Slice[M]:
    """One query of `limit + 1` rows. `order` names non-null fields, `-` for descending, the last one unique.

    `position` holds the values of `order` at the row next to the slice. Raises BadPosition."""
    fields = [name.removeprefix("-") for name in order]
    if position is not None:
        values = typed_values(queryset.model, fields, position)
        queryset = queryset.filter(_beyond(order, fields, values, backwards=backwards))
    ordering = [_reversed(name) for name in order] if backwards else list(order)
    rows = list(queryset.order_by(*ordering)[: limit + 1])
    return slice_of(
        rows,
        limit=limit,
        backwards=backwards,
        from_somewhere=position is not None,
        place=lambda row: tuple(plain_value(getattr(row, field)) for field in fields),
    )


def slice_of[R](
    rows: list[R], *, limit: int, backwards: bool, from_somewhere: bool, place: Callable[[R], Position]
) -> Slice[R]:
    """Of `limit + 1` rows as they were read; `place` gives a row's position."""
    more = len(rows) > limit
    rows = rows[:limit]
    if backwards:
        rows.reverse()
    if not rows:
        return Slice(rows, None, None)
    # Coming from somewhere, there is something on that side: the row whose position we were given.
    onward = more if not backwards else True
    back = from_somewhere if not backwards else more
    return Slice(rows, place(rows[-1]) if onward else None, place(rows[0]) if back else None)


def _beyond(order: Sequence[str], fields: Sequence[str], values: Sequence[Any], *, backwards: bool) -> Q:
    """(a, b) > (x, y) spelled out: a > x, or a = x and b > y; each field with its own direction."""
    condition = Q()
    for index, (name, field, value) in enumerate(zip(order, fields, values, strict=True)):
        operator = "lt" if name.startswith("-") != backwards else "gt"
        equal = dict(zip(fields[:index], values, strict=False))
        condition |= Q(**equal, **{f"{field}__{operator}": value})
    return condition


def typed_values(model: type[Model], fields: Sequence[str], position: Position) -> list[Any]:
    if len(position) != len(fields):
        raise BadPosition
    try:
        return [model._meta.get_field(f).to_python(v) for f, v in zip(fields, position, strict=True)]  # type: ignore[union-attr]
    except ValidationError as error:
        raise BadPosition from error


def plain_value(value: object) -> str | int:
    if isinstance(value, datetime):
        return value.isoformat()  # microseconds kept: a rounded position would repeat or skip rows
    return value if isinstance(value, int) else str(value)


def _reversed(name: str) -> str:
    return name.removeprefix("-") if name.startswith("-") else f"-{name}"
