"""PDF on A4, drawn a row at a time: the header on every page, "page n of m", totals in bold, any European alphabet."""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from io import BytesIO

from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from stoa.platform.tables.table import Cell, Column, Row, Table, text_of

REGULAR, BOLD = "Roboto", "Roboto-Bold"
SIZE, LEADING, MARGIN, GAP = 8.5, 11.0, 42.0, 6.0
"""Points: of letters, between lines, around the page, between columns."""
_PORTRAIT_MOST = 105
"""Characters of width that still fit upright."""
_MOST_LINES = 4


def written(table: Table) -> bytes:
    """The whole file; what is written twice from the same table is the same."""
    _load_fonts()
    target = BytesIO()
    size = A4 if sum(column.width for column in table.columns) <= _PORTRAIT_MOST else landscape(A4)
    canvas = Canvas(target, pagesize=size, invariant=1, pageCompression=1)
    canvas.setTitle(table.title)
    _Pages(canvas, size, table).draw()
    canvas.save()
    return target.getvalue()


class _Pages:
    def __init__(self, canvas: Canvas, size: tuple[float, float], table: Table) -> None:
        self.canvas, self.table = canvas, table
        self.page_width, self.page_height = size
        inner = self.page_width - 2 * MARGIN - GAP * (len(table.columns) - 1)
        whole = sum(column.width for column in table.columns)
        self.widths = [inner * column.width / whole for column in table.columns]
        self.y, self.number = 0.0, 0

    def draw(self) -> None:
        self._begin_page()
        for row in self.table.rows:
            self._draw_row(row)
        self._end_page()
        # Referred to from each page, known now.
        self.canvas.beginForm("pages")
        self.canvas.setFont(REGULAR, SIZE)
        self.canvas.drawString(0, 0, str(self.number))
        self.canvas.endForm()

    def _begin_page(self) -> None:
        self.number += 1
        self.y = self.page_height - MARGIN
        if self.number == 1:
            self.canvas.setFont(BOLD, SIZE * 1.6)
            for line in simpleSplit(self.table.title, BOLD, SIZE * 1.6, self.page_width - 2 * MARGIN):
                self.canvas.drawString(MARGIN, self.y - SIZE, line)
                self.y -= LEADING * 1.6
            self.y -= LEADING * 0.4
            self.canvas.setFont(REGULAR, SIZE)
            for line in self._noted():
                if self.y < MARGIN + 3 * LEADING:
                    self._end_page()
                    self.number += 1
                    self.y = self.page_height - MARGIN
                    self.canvas.setFont(REGULAR, SIZE)
                self.canvas.drawString(MARGIN, self.y, line)
                self.y -= LEADING
            self.y -= LEADING / 2
        titles = Row(tuple(column.title for column in self.table.columns))
        self._draw_cells(self._lines_of(titles, BOLD), BOLD)
        self.canvas.setLineWidth(0.7)
        self.canvas.line(MARGIN, self.y + LEADING * 0.55, self.page_width - MARGIN, self.y + LEADING * 0.55)
        self.y -= LEADING * 0.4

    def _noted(self) -> Iterator[str]:
        for note in self.table.notes:
            yield from simpleSplit(note, REGULAR, SIZE, self.page_width - 2 * MARGIN)

    def _end_page(self) -> None:
        self.canvas.setFont(REGULAR, SIZE)
        before = f"Page {self.number} of "
        left = self.page_width - MARGIN - 80
        self.canvas.drawString(left, MARGIN / 2, before)
        self.canvas.saveState()
        self.canvas.translate(left + pdfmetrics.stringWidth(before, REGULAR, SIZE), MARGIN / 2)
        self.canvas.doForm("pages")
        self.canvas.restoreState()
        self.canvas.showPage()

    def _draw_row(self, row: Row) -> None:
        font = BOLD if row.is_total else REGULAR
        lines = self._lines_of(row, font)
        if self.y - LEADING * max(len(each) for each in lines) < MARGIN:
            self._end_page()
            self._begin_page()
        if row.is_total:
            self.canvas.setLineWidth(0.3)
            self.canvas.line(MARGIN, self.y + LEADING * 0.8, self.page_width - MARGIN, self.y + LEADING * 0.8)
        self._draw_cells(lines, font)

    def _lines_of(self, row: Row, font: str) -> list[list[str]]:
        return [
            _fitted(cell, column, width, font)
            for cell, column, width in zip(row.cells, self.table.columns, self.widths, strict=True)
        ]

    def _draw_cells(self, lines: Sequence[Sequence[str]], font: str) -> None:
        self.canvas.setFont(font, SIZE)
        left = MARGIN
        for texts, column, width in zip(lines, self.table.columns, self.widths, strict=True):
            for number, text in enumerate(texts):
                at = self.y - number * LEADING
                if column.is_amount:
                    self.canvas.drawRightString(left + width, at, text)
                else:
                    self.canvas.drawString(left, at, text)
            left += width + GAP
        self.y -= LEADING * max(len(each) for each in lines)


def _fitted(cell: Cell, column: Column, width: float, font: str) -> list[str]:
    """Amounts on one line, whatever their length; texts wrapped, a word without a space cut, at most _MOST_LINES."""
    text = text_of(cell)
    if not text:
        return [""]
    if column.is_amount:
        return [_grouped(text)]
    lines = []
    for line in simpleSplit(text, font, SIZE, width):
        rest = line
        while pdfmetrics.stringWidth(rest, font, SIZE) > width and len(rest) > 1:
            cut = max(1, int(len(rest) * width / pdfmetrics.stringWidth(rest, font, SIZE)))
            lines.append(rest[:cut])
            rest = rest[cut:]
        lines.append(rest)
    return lines[:_MOST_LINES] or [""]


def _grouped(amount: str) -> str:
    """-1234567.00 as -1,234,567.00, and -0.50 as it is: a whole part of 0 has no sign of its own."""
    digits = amount.removeprefix("-")
    whole, point, fraction = digits.partition(".")
    return f"{amount[: len(amount) - len(digits)]}{int(whole):,}{point}{fraction}" if whole.isdigit() else amount


@cache
def _load_fonts() -> None:
    files = resources.files("font_roboto") / "files"
    for name, file in ((REGULAR, "Roboto-Regular.ttf"), (BOLD, "Roboto-Bold.ttf")):
        with resources.as_file(files / file) as path:
            pdfmetrics.registerFont(TTFont(name, str(path)))
