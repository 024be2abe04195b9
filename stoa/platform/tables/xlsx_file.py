"""XLSX, a row at a time to a scratch file: amounts are numbers with their currency's decimals, texts never formulas."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import xlsxwriter

from stoa.kit.money import EXPONENTS, Money
from stoa.platform.tables.table import Cell, Row, Table

MOST_LINES = 1_048_576
"""Of one sheet, in every spreadsheet. What is written beyond is dropped without a word."""
MOST_EXACT = 10**15
"""A spreadsheet's number is a double: it shows 15 digits. Larger amounts are written as text, to the last digit."""
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_date_format": "yyyy-mm-dd hh:mm:ss",
    "remove_timezone": True,
}


def written(table: Table) -> bytes:
    """The whole file; what is written twice from the same table is the same."""
    target = BytesIO()
    book = xlsxwriter.Workbook(target, _OPTIONS)
    book.set_properties({"title": table.title, "created": datetime(2000, 1, 1, tzinfo=UTC)})
    formats = _Formats(book)
    sheets = _Sheets(book, formats, table)
    for row in table.rows:
        sheets.write(row)
    sheets.begin_if_none()
    book.close()
    return target.getvalue()


class _Sheets:
    """One after the other: a sheet ends at MOST_LINES, and the next begins with the same header."""

    def __init__(self, book: Any, formats: "_Formats", table: Table) -> None:
        self.book, self.formats, self.table = book, formats, table
        self.sheet: Any = None
        self.line = self.count = 0

    def write(self, row: Row) -> None:
        if self.sheet is None or self.line + 1 >= MOST_LINES:
            self._begin()
        self.line += 1
        for number, cell in enumerate(row.cells):
            _write(self.sheet, self.line, number, cell, self.formats, is_total=row.is_total)

    def begin_if_none(self) -> None:
        if self.sheet is None:
            self._begin()

    def _begin(self) -> None:
        self.count += 1
        self.sheet = self.book.add_worksheet(_sheet_name(self.table.title, self.count))
        for number, column in enumerate(self.table.columns):
            self.sheet.set_column(number, number, column.width)
        for line, text in enumerate((self.table.title, *self.table.notes)):
            self.sheet.write_string(line, 0, text, self.formats.bold if line == 0 else None)
        self.line = len(self.table.notes) + 2
        self.sheet.freeze_panes(self.line + 1, 0)
        for number, column in enumerate(self.table.columns):
            shown = self.formats.bold_right if column.is_amount else self.formats.bold
            self.sheet.write_string(self.line, number, column.title, shown)


class _Formats:
    def __init__(self, book: Any) -> None:
        self.book = book
        self.bold = book.add_format({"bold": True})
        self.bold_right = book.add_format({"bold": True, "align": "right"})
        self._amounts: dict[tuple[int, bool], Any] = {}

    def amount(self, exponent: int, *, is_total: bool) -> Any:
        key = (exponent, is_total)
        if key not in self._amounts:
            shown = "#,##0" + ("." + "0" * exponent if exponent else "")
            self._amounts[key] = self.book.add_format({"num_format": shown, "align": "right", "bold": is_total})
        return self._amounts[key]


def _write(sheet: Any, line: int, number: int, cell: Cell, formats: _Formats, *, is_total: bool) -> None:
    if cell is None:
        return
    if isinstance(cell, Money):
        exponent = EXPONENTS[cell.currency]
        shown = formats.amount(exponent, is_total=is_total)
        if abs(cell.minor) < MOST_EXACT:
            sheet.write_number(line, number, cell.minor / 10**exponent, shown)
        else:
            sheet.write_string(line, number, cell.amount, shown)
    elif isinstance(cell, datetime):
        sheet.write_datetime(line, number, cell.astimezone(UTC))
    else:
        sheet.write_string(line, number, cell, formats.bold if is_total else None)


def _sheet_name(title: str, number: int) -> str:
    """What a sheet may be called: 31 characters, none of []:*?/\\ and no apostrophe at an end."""
    name = "".join(" " if each in "[]:*?/\\" else each for each in title)[:25].strip("' ") or "Sheet"
    return name if number == 1 else f"{name} ({number})"
