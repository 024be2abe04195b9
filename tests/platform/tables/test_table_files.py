"""What is written is read back: by the csv module, from the XLSX's XML, by a reader of PDF."""

import csv
import io
import re
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pypdf import PdfReader

from stoa.kit.money import Money
from stoa.platform.tables import xlsx_file
from stoa.platform.tables.table import Cell, Column, Format, Row, Table
from stoa.platform.tables.writing import written_as

COLUMNS = (Column("Code", 10), Column("Счёт", 40), Column("Amount", 18, is_amount=True), Column("Currency", 9))
AT = datetime(2026, 3, 31, 12, 30, 5, tzinfo=UTC)


def table(*rows: Row, columns: tuple[Column, ...] = COLUMNS) -> Table:
    return Table("trial", "Баланс [2026]: Café", ("As numbered up to 12",), columns, rows)


def row(text: str, minor: int, currency: str = "USD", *, is_total: bool = False) -> Row:
    return Row(("1000", text, Money(minor, currency), currency), is_total=is_total)


def file(of: Table, form: Format) -> bytes:
    return b"".join(written_as(of, form))


def read_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def test_csv_has_a_header_and_rows_and_nothing_else() -> None:
    content = file(table(row('Касса, "главная"', -12_50), row("b\nc", 5, "JPY"), row("d", 1234, "KWD")), "csv")
    assert read_csv(content) == [
        ["Code", "Счёт", "Amount", "Currency"],
        ["1000", 'Касса, "главная"', "-12.50", "USD"],
        ["1000", "b\nc", "5", "JPY"],
        ["1000", "d", "1.234", "KWD"],
    ]
    assert content.endswith(b"\r\n")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_text_is_never_a_formula(text: str) -> None:
    content = file(table(row(text, -5)), "csv")
    assert read_csv(content)[1][1:3] == [f"'{text}", "-0.05"]
    sheet = xlsx(file(table(row(text, -5)), "xlsx"))
    assert "<f>" not in sheet["xl/worksheets/sheet1.xml"]


def test_csv_is_made_while_it_is_read_and_holds_no_more_for_more_rows() -> None:
    def many(count: int) -> Iterator[Row]:
        for number in range(count):
            yield row(f"Account {number}", number)

    def most_of(count: int) -> int:
        tracemalloc.start()
        total = sum(len(piece) for piece in written_as(Table("t", "T", (), COLUMNS, many(count)), "csv"))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert total > count * 10
        return most

    most_of(1000)
    assert most_of(50_000) < 2 * most_of(5_000)
    pieces = iter(written_as(Table("t", "T", (), COLUMNS, _breaks_after(5_000)), "csv"))
    assert next(iter(pieces)).startswith(b"Code")


def _breaks_after(count: int) -> Iterator[Row]:
    for number in range(count):
        yield row("x" * 20, number)
    raise ZeroDivisionError


def xlsx(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_xlsx_has_numbers_with_their_currencys_decimals() -> None:
    parts = xlsx(file(table(row("Касса", -12_50), row("b", 5, "JPY"), row("d", 1234, "KWD", is_total=True)), "xlsx"))
    sheet = parts["xl/worksheets/sheet1.xml"]
    assert re.findall(r"<v>(-?[0-9.]+)</v></c>", sheet) == ["-12.5", "5", "1.234"]
    assert "Касса" in sheet
    formats = set(re.findall(r'formatCode="([^"]+)"', parts["xl/styles.xml"]))
    assert {"#,##0.000"} <= formats  # 0 and 2 decimals are built into every spreadsheet
    assert 'name="Баланс  2026   Café"' in parts["xl/workbook.xml"]


def test_xlsx_loses_no_digit_of_what_a_double_cannot_hold() -> None:
    exact, beyond = 10**15 - 1, 4 * 10**18 + 1
    sheet = xlsx(file(table(row("a", exact), row("b", beyond)), "xlsx"))["xl/worksheets/sheet1.xml"]
    assert "<v>9999999999999.99</v>" in sheet
    assert Money(beyond, "USD").amount in sheet
    assert f"<v>{Money(beyond, 'USD').amount}" not in sheet


def test_pdf_says_it_all_on_every_page() -> None:
    rows = [row("Касса и банк — №" + "ж" * 90, -(10**9), "KWD"), *(row("Cash", number, "JPY") for number in range(160))]
    content = file(table(*rows, row("Всего", 4 * 10**18, is_total=True)), "pdf")
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]
    assert len(pages) == 3
    for number, said in enumerate(pages, 1):
        assert ("Счёт" in said, f"Page {number} of" in said) == (True, True)
    assert ("Баланс [2026]: Café" in pages[0], "As numbered up to 12" in pages[0]) == (True, True)
    assert "-1,000,000.000" in pages[0]
    assert ("Всего" in pages[2], "40,000,000,000,000,000.00" in pages[2]) == (True, True)
    letters = "".join(pages).replace("\n", "")
    assert letters.count("ж") == 90


def test_pdf_keeps_the_sign_of_less_than_one() -> None:
    content = file(table(row("a", -50), row("b", -5, "KWD"), row("c", -1, "JPY"), row("d", -100_000_50)), "pdf")
    said = PdfReader(io.BytesIO(content)).pages[0].extract_text().split()
    assert [word for word in said if word.startswith("-")] == ["-0.50", "-0.005", "-1", "-100,000.50"]


def test_pdf_shows_every_note_and_wraps_what_is_long() -> None:
    notes = tuple(f"Quarantined: record {number}" for number in range(150))
    long = Table("t", "Statement of " + "a very long name " * 12, notes, COLUMNS, [row("a", 1)])
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(file(long, "pdf"))).pages]
    said = "\n".join(pages)
    assert len(pages) == 3
    assert all(note in said for note in notes)
    assert said.count("very long") == 12
    assert "Page 3 of" in pages[2]


def test_xlsx_goes_on_in_another_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_file, "MOST_LINES", 7)
    parts = xlsx(file(table(*(row(f"r{number}", number) for number in range(8))), "xlsx"))
    sheets = [parts[f"xl/worksheets/sheet{number}.xml"] for number in (1, 2, 3)]
    assert [sum(f">r{number}<" in sheet for number in range(8)) for sheet in sheets] == [3, 3, 2]
    assert all("Счёт" in sheet for sheet in sheets)
    assert "(3)" in parts["xl/workbook.xml"]


def test_the_same_table_is_the_same_file() -> None:
    for form in ("xlsx", "pdf", "csv"):
        assert file(table(row("Касса", 5)), form) == file(table(row("Касса", 5)), form)


@pytest.mark.parametrize("form", ["csv", "xlsx", "pdf"])
def test_a_table_may_be_empty_and_its_cells_too(form: Format) -> None:
    assert file(table(), form)
    cells: tuple[Cell, ...] = (None, AT, None, "")
    assert file(table(Row(cells)), form)
    if form == "csv":
        assert read_csv(file(table(Row(cells)), form))[1] == ["", "2026-03-31T12:30:05Z", "", ""]
