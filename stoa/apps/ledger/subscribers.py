"""What the ledger does when something happened below, and what it has to do outside a transaction."""

from stoa.apps.ledger.events import ReportAsked
from stoa.apps.ledger.services.books import open_book
from stoa.apps.ledger.services.report_jobs import write_report
from stoa.apps.organizations.events import OrganizationCreated
from stoa.apps.organizations.public import base_currency_of
from stoa.platform.outbox.subscriptions import reacts, sends


@reacts(OrganizationCreated)
def open_books(event: OrganizationCreated) -> None:
    """Its books and their chart, in its base currency; whoever looks earlier opens them by looking."""
    open_book(book_id=event.org_id, currency=base_currency_of(event.org_id))


@sends(ReportAsked)
def write_asked_report(event: ReportAsked) -> None:
    write_report(book_id=event.book_id, job_id=event.job_id)
