"""XLSX, a row at a time to a scratch file: amounts are numbers with their currency's decimals, texts never formulas."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import xlsxwriter

from stoa.kit.money import EXPONENTS, Money
from stoa.platform.tables.table import Cell, Table

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
    sheet = book.add_worksheet(_sheet_name(table.title))
    for number, column in enumerate(table.columns):
        sheet.set_column(number, number, column.width)
    line = 0
    for text in (table.title, *table.notes):
        sheet.write_string(line, 0, text, formats.bold if line == 0 else None)
        line += 1
    line += 1
    sheet.freeze_panes(line + 1, 0)
    for number, column in enumerate(table.columns):
        sheet.write_string(line, number, column.title, formats.bold_right if column.is_amount else formats.bold)
    for row in table.rows:
        line += 1
        for number, cell in enumerate(row.cells):
            _write(sheet, line, number, cell, formats, is_total=row.is_total)
    book.close()
    return target.getvalue()


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


def _sheet_name(title: str) -> str:
    """What a sheet may be called: 31 characters, none of []:*?/\\ and no apostrophe at an end."""
    return "".join(" " if each in "[]:*?/\\" else each for each in title)[:31].strip("' ") or "Sheet"
