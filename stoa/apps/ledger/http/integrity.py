"""Whether the books hold."""

from stoa.apps.ledger.contracts import Verdict
from stoa.apps.ledger.services.verifying import verify_books
from stoa.platform.http.access import org
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.views import Call

routes = Routes("ledger")


@routes.get("ledger/verify", access=org("journal", "approve"), answer=Verdict)
def verify(call: Call[None, None]) -> Verdict:
    """Check every entry, balance, hold and the chain of this organization's books."""
    return verify_books(book_id=call.org_id)
