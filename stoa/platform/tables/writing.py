"""A table in the form that somebody asked for."""

from collections.abc import Iterable

from stoa.platform.tables import csv_file
from stoa.platform.tables.table import Format, Table


def written_as(table: Table, form: Format) -> Iterable[bytes]:
    """The file's bytes in pieces. CSV is made while it is read; the others are whole."""
    if form == "csv":
        return csv_file.written(table)
    if form == "xlsx":
        from stoa.platform.tables import xlsx_file  # noqa: PLC0415 - a fifth of a second, for those who ask for it

        return [xlsx_file.written(table)]
    from stoa.platform.tables import pdf_file  # noqa: PLC0415 - a third of a second, for those who ask for it

    return [pdf_file.written(table)]
