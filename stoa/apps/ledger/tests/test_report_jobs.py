"""Reports in the background: asked once a key, told of while they go on, the same bytes whoever writes them."""

import csv
import hashlib
import io
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from stoa.apps.accounts.tests.factories import Person, make_person
from stoa.apps.ledger.models import ReportJob
from stoa.apps.ledger.services import report_jobs
from stoa.apps.ledger.services.report_jobs import (
    REPORTS,
    STATEMENT,
    AskedReport,
    ask_report,
    forget_reports,
    key_of,
    write_report,
)
from stoa.apps.ledger.tests.factories import AT, Books
from stoa.apps.ledger.tests.test_http import Desk, desk  # noqa: F401 - a fixture
from stoa.apps.organizations.tests.factories import join
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_id, new_uuid
from stoa.platform.audit.models import AuditRecord
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.outbox.draining import drain
from stoa.platform.storage.client import storage, storage_in_use
from stoa.platform.storage.memory import MemoryStorage
from stoa.platform.testing.client import ApiClient
from stoa.platform.testing.pausing import fault_at
from stoa.runtime.pause_points import arm, disarm

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def files() -> Iterator[MemoryStorage]:
    memory = MemoryStorage()
    with storage_in_use(memory):
        yield memory


@pytest.fixture
def books() -> Books:
    made = Books()
    made.move("cash", "equity", 100_00)
    made.move("bank", "cash", 30_00, at=AT + timedelta(days=1))
    return made


def ask(books: Books, report: Any = "general-ledger", form: Any = "csv", key: str = "", **of: Any) -> ReportJob:
    asked = AskedReport(report=report, form=form, **of)
    return ask_report(book_id=books.id, asked=asked, key=key or new_id(), by=new_uuid())


def read(job: ReportJob) -> ReportJob:
    with tenant_scope(job.book_id):
        return ReportJob.objects.get(pk=job.pk)


def content(job: ReportJob) -> bytes:
    with storage().open(key_of(job=job)) as file:
        return file.read()


def test_every_report_is_written_in_every_form_as_it_was_when_it_was_asked_for(books: Books) -> None:
    jobs = [
        ask(
            books, report, form, account_id=books["cash"] if report == STATEMENT else None, until=AT + timedelta(days=9)
        )
        for report in REPORTS
        for form in ("csv", "xlsx", "pdf")
    ]
    books.move("cash", "equity", 7_00)  # too late for all of them
    drain()
    for job in map(read, jobs):
        written = content(job)
        assert (job.state, job.size_bytes, job.sha256) == (
            "done",
            len(written),
            hashlib.sha256(written).hexdigest(),
        ), job
        assert job.rows_done == job.rows_total
    trial = next(job for job in jobs if (job.report, job.form) == ("trial-balance", "csv"))
    rows = list(csv.reader(io.StringIO(content(trial).decode(), newline="")))
    assert rows[-1] == ["", "Total", "100.00", "100.00", "USD"]
    sheet = next(job for job in jobs if (job.report, job.form) == ("general-ledger", "pdf"))
    said = PdfReader(BytesIO(content(sheet))).pages[0].extract_text()
    assert ("As it was known at" in said, str(books.id) in said) == (True, True)


def test_a_key_asks_once(books: Books) -> None:
    first, again = ask(books, key="once"), ask(books, key="once")
    assert first.pk == again.pk
    drain()
    assert read(first).state == "done"
    assert AuditRecord.objects.filter(action="ledger.report_asked").count() == 1


def test_progress_is_seen_to_move(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(10):
        books.move("cash", "equity", number + 1)
    job = ask(books)
    monkeypatch.setattr(report_jobs, "TELL_EVERY", 6)
    seen: list[tuple[str, int, int | None]] = []

    def look() -> bool:
        row = read(job)
        seen.append((row.state, row.rows_done, row.rows_total))
        return False

    arm("ledger.report_told", look)
    try:
        drain()
    finally:
        disarm("ledger.report_told")
    assert list(dict.fromkeys(seen)) == [("running", done, 24) for done in (6, 12, 18, 24)]
    assert (read(job).state, read(job).rows_done) == ("done", 24)


@pytest.mark.parametrize("point", ["storage.before_put", "ledger.report_stored", "ledger.report_told"])
def test_who_dies_is_followed_by_one_who_writes_the_same(
    books: Books, files: MemoryStorage, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_jobs, "TELL_EVERY", 1)
    job, twin = ask(books), ask(books)
    with tenant_scope(books.id):
        ReportJob.objects.filter(pk=twin.pk).update(asked_at=job.asked_at)
    if point == "storage.before_put":
        files.broken = True
        with pytest.raises(OSError, match=r".*"):
            write_report(book_id=books.id, job_id=job.pk)
        files.broken = False
    else:
        with fault_at(point, ZeroDivisionError), pytest.raises(ZeroDivisionError):
            write_report(book_id=books.id, job_id=job.pk)
    assert (read(job).state, read(job).sha256) == ("running", "")
    books.move("cash", "equity", 7_00)
    for each in (job, twin, job):
        write_report(book_id=books.id, job_id=each.pk)
    assert read(job).state == "done"
    assert content(job) == content(twin)


def test_what_a_report_refuses_is_its_failure(books: Books) -> None:
    account = books.account("gone")
    job = ask(books, STATEMENT, account_id=account)
    with tenant_scope(books.id):
        parameters = dict(ReportJob.objects.get(pk=job.pk).parameters)
        ReportJob.objects.filter(pk=job.pk).update(parameters=parameters | {"account_id": new_id()})
    drain()
    assert (read(job).state, read(job).failure, storage().keys(f"reports/{books.id}")) == ("failed", "NOT_FOUND", [])


def test_old_ones_go_and_leave_nothing(books: Books) -> None:
    old, kept, never = ask(books), ask(books), ask(books)
    with tenant_scope(books.id):
        ReportJob.objects.filter(pk__in=[old.pk, never.pk]).update(expires_at=utc_now() - timedelta(seconds=1))
    write_report(book_id=books.id, job_id=old.pk)
    assert (forget_reports(limit=10), forget_reports(limit=10)) == (2, 0)
    drain()
    assert storage().keys(f"reports/{books.id}") == [key_of(job=kept)]
    with tenant_scope(books.id):
        assert ReportJob.objects.get().pk == kept.pk


def test_over_http(desk: Desk, api: ApiClient) -> None:  # noqa: F811
    desk.post("entries", desk.entry("12.50"))
    key = new_id()
    made = desk.post("reports/jobs", {"report": "trial-balance", "format": "csv"}, key=key)
    assert (made.status, made.data["state"], made.data["url"]) == (201, "waiting", None)
    assert desk.post("reports/jobs", {"report": "trial-balance", "format": "csv"}, key=key).data == made.data
    drain()
    done = desk.read(f"reports/jobs/{made.data['id']}").data
    assert (done["state"], done["rows_done"], done["rows_total"]) == ("done", 3, 3)
    assert [job["id"] for job in desk.read("reports/jobs").data] == [done["id"]]
    bearer = {"Authorization": f"Bearer {desk.person.access}"}
    file = api.request("GET", done["url"], headers=bearer)
    assert (file.status_code, file.content.splitlines()[0]) == (200, b"Code,Account,Debit,Credit,Currency")
    assert hashlib.sha256(file.content).hexdigest() == done["sha256"]
    stranger = make_person("Eve")
    assert api.request("GET", done["url"]).status_code == 401
    assert api.request("GET", done["url"], headers={"Authorization": f"Bearer {stranger.access}"}).status_code == 404


def test_what_cannot_be_asked_is_said_and_leaves_nothing(desk: Desk) -> None:  # noqa: F811
    good = {"report": "trial-balance", "format": "csv"}
    for field, value in (
        ("report", "nothing"),
        ("format", "doc"),
        ("since", "yesterday"),
        ("account_id", desk.ids["1000"]),
        ("bucket_days", "60,30"),
        ("bucket_days", "0"),
    ):
        refused = desk.post("reports/jobs", good | {field: value})
        assert (refused.status, refused.code) == (422, "VALIDATION_ERROR"), (field, value)
        assert field in refused.error["details"]["fields"]  # type: ignore[index]
    for account in ({}, {"account_id": new_id()}):
        refused = desk.post("reports/jobs", good | {"report": STATEMENT} | account)
        assert list(refused.error["details"]["fields"]) == ["account_id"]  # type: ignore[index]
    assert desk.read(f"reports/jobs/{new_id()}").code == "NOT_FOUND"
    with tenant_scope(desk.org_id):
        assert ReportJob.objects.count() == 0


def test_a_key_of_another_report_is_refused(desk: Desk) -> None:  # noqa: F811
    """As after the time for which the house remembers its answers."""
    ask(Books(id=desk.org_id), key="once")
    assert desk.post("reports/jobs", {"report": "tax", "format": "csv"}, key="once").code == "KEY_REUSED"


def test_only_who_may_export_asks_and_sees(desk: Desk, member: Person, api: ApiClient) -> None:  # noqa: F811
    join(desk.org_id, member)  # a VIEWER: reads reports, exports none
    job = desk.post("reports/jobs", {"report": "tax", "format": "csv"}).data["id"]
    client = api.bearer(member.access)
    assert client.read("/api/v1/ledger/reports/tax").status == 200
    for path in ("reports/jobs", f"reports/jobs/{job}"):
        assert client.read(f"/api/v1/ledger/{path}").status == 403
    other = Books()
    with tenant_scope(other.id):
        assert ReportJob.objects.count() == 0
