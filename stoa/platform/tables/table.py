"""What is written: a title, notes, columns, and rows that are read once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from stoa.kit.money import Money

type Cell = str | Money | datetime | None
type Format = Literal["csv", "xlsx", "pdf"]

CONTENT_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}


@dataclass(frozen=True, slots=True)
class Column:
    """`width` in characters, as spreadsheets count; amounts stand to the right."""

    title: str
    width: int = 14
    is_amount: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One cell a column; an empty cell is None. A total stands out."""

    cells: tuple[Cell, ...]
    is_total: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """`name` is the file's, without its ending; `notes` say of what the table is, so that it can be made again. They
    stand above the rows, but not in a CSV, whose readers want a header and rows."""

    name: str
    title: str
    notes: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: Iterable[Row]


def text_of(cell: Cell) -> str:
    """As it is read by people and programs: amounts with their currency's decimals, instants in UTC."""
    if cell is None:
        return ""
    if isinstance(cell, Money):
        return cell.amount
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%dT%H:%M:%SZ}"
    return cell
