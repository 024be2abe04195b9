"""Every report as a file, over HTTP: what it says, what it is called, and that a long one is not held in memory."""

import csv
import io
import zipfile

import pytest
from pypdf import PdfReader

from stoa.apps.ledger.services import ledger_lines
from stoa.apps.ledger.tests.test_http import Desk, desk  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db
REPORTS = (
    *("trial-balance", "reports/income-statement", "reports/balance-sheet", "reports/cash-flow", "reports/tax"),
    *("reports/general-ledger", "reports/aged-receivables", "reports/aged-payables"),
)


class Answered:
    def __init__(self, desk: Desk, path: str, **query: str) -> None:  # noqa: F811
        answer = desk.api.request(
            "GET", f"/api/v1/ledger/{path}", params=query, headers={"Authorization": f"Bearer {desk.person.access}"}
        )
        self.status, self.headers, self.content = answer.status_code, answer.headers, answer.content

    @property
    def rows(self) -> list[list[str]]:
        return list(csv.reader(io.StringIO(self.content.decode(), newline="")))


def paths(desk: Desk) -> list[str]:  # noqa: F811
    return [*REPORTS, f"accounts/{desk.ids['1000']}/statement"]


@pytest.fixture
def busy(desk: Desk) -> Desk:  # noqa: F811
    desk.post("entries", desk.entry("1200.00", description="Открытие"))
    desk.post("entries", {"lines": desk.lines("5100", "2000", "30.50"), "reference_type": "bill", "reference_id": "7"})
    desk.post("entries", {"lines": desk.lines("1000", "2100", "5.00")})
    return desk


def test_every_report_comes_in_every_form(busy: Desk) -> None:
    for path in paths(busy):
        for form, kind in (("csv", "text/csv"), ("xlsx", "application/vnd"), ("pdf", "application/pdf")):
            told = Answered(busy, path, format=form)
            assert (told.status, told.headers["Content-Type"].startswith(kind)) == (200, True), path
            assert told.headers["Content-Disposition"].endswith(f'.{form}"'), path
            assert told.headers["Cache-Control"] == "no-store"
            if form == "csv":
                widths = {len(row) for row in told.rows}
                assert (len(widths), len(told.rows) > 1 or path.endswith("receivables")) == (1, True), path
            elif form == "pdf":
                assert str(busy.org_id) in PdfReader(io.BytesIO(told.content)).pages[0].extract_text()
            else:
                with zipfile.ZipFile(io.BytesIO(told.content)) as archive:
                    assert str(busy.org_id) in archive.read("xl/worksheets/sheet1.xml").decode()
        assert Answered(busy, path, format="json").headers["Content-Type"] == "application/json"


def test_what_the_rows_say(busy: Desk) -> None:
    trial = Answered(busy, "trial-balance", format="csv").rows
    assert trial[0] == ["Code", "Account", "Debit", "Credit", "Currency"]
    assert trial[1:] == [
        ["1000", "Cash", "1205.00", "", "USD"],
        ["2000", "Accounts payable", "", "30.50", "USD"],
        ["2100", "Tax payable", "", "5.00", "USD"],
        ["3000", "Owner's equity", "", "1200.00", "USD"],
        ["5100", "Fees", "30.50", "", "USD"],
        ["", "Total", "1235.50", "1235.50", "USD"],
    ]
    sheet = Answered(busy, "reports/balance-sheet", format="csv").rows
    assert ["", "", "Total assets", "1205.00", "USD"] in sheet
    assert ["", "", "Difference", "0.00", "USD"] in sheet
    statement = Answered(busy, f"accounts/{busy.ids['1000']}/statement", format="csv").rows
    assert [row[4:8] for row in statement[1:]] == [
        ["Opening balance", "", "", "0.00"],
        ["Открытие", "1200.00", "", "1200.00"],
        ["", "5.00", "", "1205.00"],
        ["Closing balance", "", "", "1205.00"],
    ]
    aged = Answered(busy, "reports/aged-payables", format="csv", bucket_days="7,14").rows
    assert aged == [
        ["Reference", "Number", "0-7", "8-14", "over 14", "Total", "Currency"],
        ["bill", "7", "30.50", "0.00", "0.00", "30.50", "USD"],
        ["Total", "", "", "", "", "30.50", "USD"],
    ]


def test_a_file_reads_however_many_lines_there_are(busy: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_lines, "MOST_ROWS", 1)
    for path in ("reports/general-ledger", f"accounts/{busy.ids['1000']}/statement"):
        refused = busy.read(path)
        assert (refused.status, refused.code, list(refused.error["details"]["fields"])) == (  # type: ignore[index]
            422,
            "VALIDATION_ERROR",
            ["since"],
        )
        assert len(Answered(busy, path, format="csv").rows) > 3


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("trial-balance", {"format": "doc"}),
        ("reports/balance-sheet", {"format": ""}),
        ("reports/aged-payables", {"bucket_days": "60,30"}),
        ("reports/aged-payables", {"bucket_days": "30,30"}),
        ("reports/aged-payables", {"bucket_days": "0,30"}),
        ("reports/aged-payables", {"bucket_days": "-1"}),
        ("reports/aged-receivables", {"bucket_days": ""}),
        ("reports/aged-receivables", {"bucket_days": "99999"}),
    ],
)
def test_what_cannot_be_asked_is_said(desk: Desk, path: str, query: dict[str, str]) -> None:  # noqa: F811
    refused = desk.read(path, **query)
    assert (refused.status, refused.code) == (422, "VALIDATION_ERROR")
    assert list(refused.error["details"]["fields"]) == list(query)  # type: ignore[index]


def test_a_refusal_stays_in_the_envelope(desk: Desk) -> None:  # noqa: F811
    missing = Answered(desk, f"accounts/{desk.org_id}/statement", format="csv")
    assert (missing.status, missing.headers["Content-Type"]) == (404, "application/json")
    nobody = desk.api.request("GET", "/api/v1/ledger/trial-balance", params={"format": "pdf"})
    assert (nobody.status_code, nobody.headers["Content-Type"]) == (401, "application/json")
