"""Routes of reports that are written in the background."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from stoa.apps.ledger.contracts import ReportJobView
from stoa.apps.ledger.errors import KeyReused
from stoa.apps.ledger.http.files import BucketDays, days_of
from stoa.apps.ledger.http.inputs import WITHOUT
from stoa.apps.ledger.models import ReportJob
from stoa.apps.ledger.queries import report_job_of, report_job_page
from stoa.apps.ledger.services.books import books_of_organization
from stoa.apps.ledger.services.report_jobs import AskedReport, ReportName, ask_report, link_of
from stoa.kit.errors import Missing
from stoa.platform.http.access import org
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.inputs import Id, Input, Moment
from stoa.platform.http.pages import Page, PageQuery
from stoa.platform.http.views import Call

routes = Routes("ledger")
_JOBS = "ledger/reports/jobs"
_MAY = org("reports", "export")


class ReportJobInput(Input):
    """As it is known now: what is posted later does not come into it."""

    report: ReportName
    format: Literal["csv", "xlsx", "pdf"]
    since: Moment | None = Field(None, description="From this instant on.")
    until: Moment | None = Field(None, description="Up to but without this instant.")
    account_id: Id | None = Field(None, description="Of an account-statement.")
    bucket_days: BucketDays = "30,60,90"
    without_quarantined: bool = Field(False, description=WITHOUT)

    def asked(self) -> AskedReport:
        return AskedReport(
            report=self.report,
            form=self.format,
            since=self.since,
            until=self.until,
            account_id=self.account_id,
            days=tuple(days_of(self.bucket_days)),
            without_quarantined=self.without_quarantined,
        )


@routes.post(
    _JOBS,
    access=_MAY,
    body=ReportJobInput,
    answer=ReportJobView,
    status=201,
    raises=(KeyReused,),
    idempotency="required",
)
def ask_for_report(call: Call[ReportJobInput, None]) -> ReportJobView:
    """Let a report be written in the background, however large."""
    books_of_organization(org_id=call.org_id)
    user_id = call.caller.user_id
    job = ask_report(book_id=call.org_id, asked=call.body.asked(), key=call.idempotency_key, by=user_id)
    return _shown(job, user_id)


@routes.get(_JOBS, access=_MAY, query=PageQuery, answer=ReportJobView, listed="keyset")
def list_report_jobs(call: Call[None, PageQuery]) -> Page:
    """List reports that were asked for, latest first."""
    user_id = call.caller.user_id
    return report_job_page(call.query, route=call.route, shape=lambda job: _shown(job, user_id))


@routes.get(f"{_JOBS}/<uuid:job_id>", access=_MAY, answer=ReportJobView, raises=(Missing,))
def show_report_job(call: Call[None, None], job_id: UUID) -> ReportJobView:
    """Show how far a report is; once it is done, a link to its file."""
    return _shown(report_job_of(job_id), call.caller.user_id)


def _shown(job: ReportJob, user_id: UUID) -> ReportJobView:
    return ReportJobView(
        id=job.pk,
        report=job.report,
        format=job.form,
        state=job.state,
        rows_done=job.rows_done,
        rows_total=job.rows_total,
        size_bytes=job.size_bytes,
        sha256=job.sha256,
        failure=job.failure,
        asked_at=job.asked_at,
        finished_at=job.finished_at,
        expires_at=job.expires_at,
        url=link_of(job=job, user_id=user_id),
    )
