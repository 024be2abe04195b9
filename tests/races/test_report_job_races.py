"""Two who ask under one key, two workers on one job: one job, one file, said to be done once. With a twin."""

import pytest
from django.db import IntegrityError

from stoa.apps.ledger.models import ReportJob
from stoa.apps.ledger.services.report_jobs import AskedReport, ask_report, key_of, write_report
from stoa.apps.ledger.tests.factories import Books
from stoa.kit.ids import new_uuid
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.storage.client import storage, storage_in_use
from stoa.platform.storage.memory import MemoryStorage
from stoa.platform.testing.pausing import meeting_at, skipped_at
from stoa.platform.testing.races import repeat_together

pytestmark = [pytest.mark.race, pytest.mark.usefixtures("committed_db")]
ASKED = AskedReport(report="general-ledger", form="csv")


def ask(books: Books) -> ReportJob:
    return ask_report(book_id=books.id, asked=ASKED, key="once", by=new_uuid())


def busy() -> Books:
    books = Books()
    books.move("cash", "equity", 5)
    return books


def test_eight_who_ask_under_one_key_ask_once() -> None:
    books = busy()
    jobs = [each.result() for each in repeat_together(8, lambda _: ask(books))]
    assert len({job.pk for job in jobs if job}) == 1


def test_their_twin_that_minds_a_conflict_runs_into_the_constraint() -> None:
    books = busy()
    with skipped_at("ledger.one_report"):
        outcomes = repeat_together(2, lambda _: ask(books))
    assert [type(each.error) for each in outcomes if each.error] == [IntegrityError]


def test_two_workers_on_one_job_leave_one_whole_file() -> None:
    books = busy()
    with storage_in_use(MemoryStorage()):
        job = ask(books)
        with meeting_at("ledger.report_stored", parties=2, timeout_s=5):
            outcomes = repeat_together(2, lambda _: write_report(book_id=books.id, job_id=job.pk))
        assert [each.error for each in outcomes] == [None, None]
        with tenant_scope(books.id):
            done = ReportJob.objects.get(pk=job.pk)
        with storage().open(key_of(job=job)) as file:
            assert len(file.read()) == done.size_bytes
        assert done.state == "done"
