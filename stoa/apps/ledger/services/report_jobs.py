"""Large reports: asked for, written to a file in the background with progress, fetched by a link, gone after a while.

A report says what was known when it was asked for, so that a worker that is killed is followed by one that writes the
same rows again (the number up to which they were sealed may have risen above them): the file is put in its place whole,
under the job's own name."""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import replace as replaced
from datetime import datetime, timedelta
from typing import Any, BinaryIO, Literal, cast, get_args
from uuid import UUID

from stoa.apps.ledger.contracts import Span
from stoa.apps.ledger.errors import KeyReused
from stoa.apps.ledger.events import ReportAsked
from stoa.apps.ledger.models import Account, ReportJob, ReportState
from stoa.apps.ledger.queries import trial_balance
from stoa.apps.ledger.services.aging import DAYS, PAYABLE, RECEIVABLE, aged_report
from stoa.apps.ledger.services.ledger_lines import count_lines
from stoa.apps.ledger.services.reporting import balance_sheet, cash_flow, income_statement, tax_report
from stoa.apps.ledger.services.tabulating import general_ledger_table, statement_table, table_of
from stoa.kit.clock import utc_now
from stoa.kit.errors import DomainError, Invalid
from stoa.platform.audit.recording import record
from stoa.platform.db.tenant import across_tenants, tenant_scope
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.publishing import publish
from stoa.platform.storage.client import storage
from stoa.platform.storage.links import Link, link_to
from stoa.platform.tables.table import Format, Row, Table
from stoa.platform.tables.writing import written_as
from stoa.runtime.config.current import settings
from stoa.runtime.logs import get_logger
from stoa.runtime.pause_points import pause_point

log = get_logger(__name__)
STATEMENT = "account-statement"
ReportName = Literal[
    "trial-balance",
    "income-statement",
    "balance-sheet",
    "cash-flow",
    "tax",
    "general-ledger",
    "aged-receivables",
    "aged-payables",
    "account-statement",
]
REPORTS: tuple[ReportName, ...] = get_args(ReportName)
LINK_LIVES = timedelta(minutes=15)
TELL_EVERY = 2000
"""Rows between two words of progress."""
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class AskedReport:
    report: ReportName
    form: Format
    since: datetime | None = None
    until: datetime | None = None
    account_id: UUID | None = None
    days: tuple[int, ...] = DAYS
    without_quarantined: bool = False

    def parameters(self) -> dict[str, object]:
        return {
            "since": self.since.isoformat() if self.since is not None else None,
            "until": self.until.isoformat() if self.until is not None else None,
            "account_id": str(self.account_id) if self.account_id is not None else None,
            "days": list(self.days),
            "without_quarantined": self.without_quarantined,
        }


def ask_report(*, book_id: UUID, asked: AskedReport, key: str, by: UUID) -> ReportJob:
    """Let a report be written; the same key answers the first job. Of two at once one asks.

    Raises Invalid, KeyReused. Publishes ReportAsked; audited."""
    if asked.report not in REPORTS:
        raise Invalid({"report": ["there is no report of this name"]})
    if (asked.report == STATEMENT) != (asked.account_id is not None):
        raise Invalid({"account_id": [f"with {STATEMENT}, and with nothing else"]})
    now = utc_now()
    with tenant_scope(book_id), transaction():
        if asked.account_id is not None and not Account.objects.filter(pk=asked.account_id).exists():
            raise Invalid({"account_id": ["an account of this book is expected"]})
        fresh = ReportJob(
            book_id=book_id,
            key=key,
            report=asked.report,
            form=asked.form,
            parameters=asked.parameters(),
            asked_by=by,
            asked_at=now,
            expires_at=now + timedelta(days=settings().ledger_report_retention_days),
        )
        ReportJob.objects.bulk_create([fresh], ignore_conflicts=not pause_point("ledger.one_report"))
        job = ReportJob.objects.get(key=key)
        if (job.report, job.form, job.parameters) != (fresh.report, fresh.form, fresh.parameters):
            raise KeyReused
        if job.pk == fresh.pk:
            publish(ReportAsked(book_id=book_id, job_id=job.pk))
            record(
                action="ledger.report_asked",
                object_type="ledger_report_job",
                object_id=job.pk,
                org_id=book_id,
                after={"report": job.report, "format": job.form},
            )
        return job


def write_report(*, book_id: UUID, job_id: UUID) -> None:
    """Write the file and say that it is done. Safe to run twice, and beside itself: the same bytes under one name, and
    the first to end says so. Outside any transaction; progress is committed while it goes on.

    What the report itself refuses is kept as the job's failure. Of a job that is gone nothing is left behind."""
    with tenant_scope(book_id):
        job = ReportJob.objects.filter(pk=job_id).first()
        if job is None or job.state in {ReportState.DONE, ReportState.FAILED}:
            return
        try:
            table, total = _table(job)
        except DomainError as refused:
            _end(job, ReportState.FAILED, failure=refused.code)
            return
        _tell(job, 0, total)
        digest = hashlib.sha256()
        with tempfile.TemporaryFile() as file:
            target = cast(BinaryIO, file)
            for piece in written_as(replaced(table, rows=_counted(job, table, total)), cast(Format, job.form)):
                target.write(piece)
                digest.update(piece)
            target.seek(0)
            size = storage().put(key_of(job=job), target)
        pause_point("ledger.report_stored")
        if not _end(job, ReportState.DONE, size_bytes=size, sha256=digest.hexdigest()):
            if not ReportJob.objects.filter(pk=job_id).exists():
                storage().delete(key_of(job=job))


def forget_reports(*, limit: int) -> int:
    """Remove files and jobs that are past LEDGER_REPORT_RETENTION_DAYS; how many. The file first: killed in between,
    the job is found again and the file is not there to be found."""
    with across_tenants("reports of every book that have expired"):
        old = list(ReportJob.objects.filter(expires_at__lte=utc_now()).order_by("expires_at")[:limit])
        for job in old:
            storage().delete(key_of(job=job))
            ReportJob.objects.filter(pk=job.pk).delete()
    return len(old)


def key_of(*, job: ReportJob) -> str:
    return f"reports/{job.book_id}/{job.pk}.{job.form}"


def link_of(*, job: ReportJob, user_id: UUID) -> str | None:
    """For this person, with their token, for LINK_LIVES. None until it is done."""
    if job.state != ReportState.DONE:
        return None
    until = min(job.expires_at, utc_now() + LINK_LIVES)
    return link_to(Link(key_of(job=job), f"{job.report}.{job.form}", str(user_id), until))


def _table(job: ReportJob) -> tuple[Table, int | None]:
    """And how many lines it will show, where that is known before. As it was known when it was asked for."""
    given: Mapping[str, object] = job.parameters
    since, until = (datetime.fromisoformat(str(given[name])) if given[name] else None for name in ("since", "until"))
    without, days = bool(given["without_quarantined"]), cast(list[int], given["days"])
    span = Span(since=since, until=until, recorded_to=job.asked_at, without_quarantined=without)
    book_id = job.book_id
    if job.report == "general-ledger":
        return general_ledger_table(book_id=book_id, span=span), count_lines(book_id=book_id, span=span)
    if job.report == STATEMENT:
        account_id = UUID(str(given["account_id"]))
        total = count_lines(book_id=book_id, span=span, account_id=account_id)
        return statement_table(book_id=book_id, account_id=account_id, span=span), total
    at: dict[str, Any] = {"book_id": book_id, "recorded_to": job.asked_at, "without_quarantined": without}
    report = {
        "trial-balance": lambda: trial_balance(effective_to=until - _INSTANT if until else None, **at),
        "income-statement": lambda: income_statement(book_id=book_id, span=span),
        "balance-sheet": lambda: balance_sheet(until=until, **at),
        "cash-flow": lambda: cash_flow(book_id=book_id, span=span),
        "tax": lambda: tax_report(book_id=book_id, span=span),
        "aged-receivables": lambda: aged_report(role=RECEIVABLE, until=until or job.asked_at, days=days, **at),
        "aged-payables": lambda: aged_report(role=PAYABLE, until=until or job.asked_at, days=days, **at),
    }[job.report]()
    return table_of(report=report, book_id=book_id), None


def _counted(job: ReportJob, table: Table, total: int | None) -> Iterator[Row]:
    done = 0
    for row in table.rows:
        yield row
        # Of a report that shows lines the totals between them are no progress.
        done += total is None or not row.is_total
        if done % TELL_EVERY == 0 and done:
            _tell(job, done, total)
            pause_point("ledger.report_told")
    _tell(job, done, total if total is not None else done)


def _tell(job: ReportJob, done: int, total: int | None) -> None:
    with transaction():
        ReportJob.objects.filter(pk=job.pk, state__in=[ReportState.WAITING, ReportState.RUNNING]).update(
            state=ReportState.RUNNING, rows_done=done, rows_total=total
        )


def _end(job: ReportJob, state: ReportState, **of: Any) -> bool:
    with transaction():
        going_on = ReportJob.objects.filter(pk=job.pk, state__in=[ReportState.WAITING, ReportState.RUNNING])
        return bool(going_on.update(state=state, finished_at=utc_now(), **of))
