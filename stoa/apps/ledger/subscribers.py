"""What the ledger does when something happened below."""

from stoa.apps.ledger.services.books import open_book
from stoa.apps.organizations.events import OrganizationCreated
from stoa.apps.organizations.public import base_currency_of
from stoa.platform.outbox.subscriptions import reacts


@reacts(OrganizationCreated)
def open_books(event: OrganizationCreated) -> None:
    """Its books and their chart, in its base currency; whoever looks earlier opens them by looking."""
    open_book(book_id=event.org_id, currency=base_currency_of(event.org_id))
