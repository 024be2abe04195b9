"""A keyset list written in SQL, for the few that are read all day.

Building and compiling the same queryset costs more than PostgreSQL takes to answer it (measured for 20 rows: 1.0 ms of
CPU through the ORM, 0.4 written out). Everything else stays with `keyset_slice`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Field, Model
from psycopg.types.datetime import TimestamptzLoader

from stoa.kit.cursors import Position
from stoa.platform.db.keyset import Slice, plain_value, slice_of, typed_values

type Convert = Callable[[Any], Any]


@dataclass(frozen=True)
class WrittenList:
    """`where` is SQL on the model's own table, with %(name)s for the values of `given`, name -> field.

    `order` names columns of `columns`, all ascending or, with `-`, all descending, the last one unique: then one
    comparison of rows finds the place, and one index serves both directions."""

    model: type[Model]
    columns: tuple[str, ...]
    where: str
    given: Mapping[str, str]
    order: tuple[str, ...]
    _converters: dict[str, tuple[tuple[int, Convert], ...]] = field(default_factory=dict)
    _statements: dict[tuple[bool, bool], str] = field(default_factory=dict)

    def read(
        self, values: Mapping[str, Any], *, limit: int, position: Position | None, backwards: bool = False
    ) -> Slice[tuple[Any, ...]]:
        """One query of `limit + 1` rows, each a tuple of `columns`. Raises BadPosition."""
        names = [name.removeprefix("-") for name in self.order]
        parameters = {name: self._prepared(self.given[name], value) for name, value in values.items()}
        if position is not None:
            for name, value in zip(names, typed_values(self.model, names, position), strict=True):
                parameters[f"place_{name}"] = self._prepared(name, value)
        form = (position is not None, backwards)
        if form not in self._statements:
            self._statements[form] = self._statement(names, placed=form[0], backwards=backwards)
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                # psycopg's own loader is C; the one Django puts in its place is Python, 11 us a row of three times.
                cursor.cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
            cursor.execute(self._statements[form], {**parameters, "rows": limit + 1})
            rows = self._converted(cursor.fetchall())
        where = [self.columns.index(name) for name in names]
        return slice_of(
            rows,
            limit=limit,
            backwards=backwards,
            from_somewhere=position is not None,
            place=lambda row: tuple(plain_value(row[index]) for index in where),
        )

    def _statement(self, names: Sequence[str], *, placed: bool, backwards: bool) -> str:
        descending = self.order[0].startswith("-") != backwards
        columns, beyond = self._columns(names), ""
        if placed:
            holes = ", ".join(f"%(place_{name})s" for name in names)
            beyond = f"AND ({', '.join(columns)}) {'<' if descending else '>'} ({holes})"
        ordering = ", ".join(f"{column} {'DESC' if descending else 'ASC'}" for column in columns)
        return (
            f"SELECT {', '.join(self._columns(self.columns))} FROM {self.model._meta.db_table} "
            f"WHERE {self.where} {beyond} ORDER BY {ordering} LIMIT %(rows)s"
        )

    def _field(self, name: str) -> "Field[Any, Any]":
        found: Field[Any, Any] = self.model._meta.get_field(name)  # type: ignore[assignment]  # never a relation here
        return found

    def _columns(self, names: Sequence[str]) -> list[str]:
        return [str(self._field(name).column) for name in names]

    def _prepared(self, name: str, value: Any) -> Any:
        return self._field(name).get_db_prep_value(value, connection)

    def _converted(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """SQLite gives text for ids and times; PostgreSQL's driver has made them what they are."""
        if connection.vendor not in self._converters:
            self._converters[connection.vendor] = tuple(self._own_converters())
        converters = self._converters[connection.vendor]
        if not converters:
            return rows
        changed = [list(row) for row in rows]
        for index, convert in converters:
            for row in changed:
                row[index] = convert(row[index])
        return [tuple(row) for row in changed]

    def _own_converters(self) -> list[tuple[int, Convert]]:
        found: list[tuple[int, Convert]] = []
        for index, name in enumerate(self.columns):
            column = self._field(name).get_col(self.model._meta.db_table)
            each = [*connection.ops.get_db_converters(column), *self._field(name).get_db_converters(connection)]
            found += [(index, _bound(convert, column)) for convert in each]
        return found


def _bound(convert: Callable[..., Any], column: Any) -> Convert:
    return lambda value: convert(value, column, connection)
