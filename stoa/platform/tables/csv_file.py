"""CSV as RFC 4180 has it: UTF-8, a header, CRLF, a row at a time."""

import csv
from collections.abc import Iterator
from io import StringIO

from stoa.platform.tables.table import Cell, Table, text_of

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_AT_ONCE = 64 * 1024


def written(table: Table) -> Iterator[bytes]:
    """Pieces of some 64 KB. Memory does not grow with the rows."""
    buffer = StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([column.title for column in table.columns])
    for row in table.rows:
        writer.writerow([_safe(cell) for cell in row.cells])
        if buffer.tell() > _AT_ONCE:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _safe(cell: Cell) -> str:
    """A text that a spreadsheet would run as a formula is quoted with an apostrophe; amounts are ours, and may be
    negative."""
    text = text_of(cell)
    return f"'{text}" if isinstance(cell, str) and text.startswith(_FORMULA) else text
