"""Routes of one's own data: the archive, and closing the account."""

from stoa.apps.accounts.contracts import AccountClosed, ExportState
from stoa.apps.accounts.errors import AccountCannotClose, WrongPassword
from stoa.apps.accounts.http.fields import Password
from stoa.apps.accounts.http.profile import routes as me
from stoa.apps.accounts.services import closing, exports
from stoa.platform.http.access import SIGNED_IN
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.inputs import Input
from stoa.platform.http.scopes import LimitScope
from stoa.platform.http.views import Call

routes = Routes("accounts")
# One address has one declaration: closing stands beside reading and editing oneself.

_EXPORT = LimitScope("export", "export_rate")
_PASSWORD = LimitScope("close_account", "sign_in_rate")


class CloseInput(Input):
    password: Password


@routes.get("users/me/export", access=SIGNED_IN, answer=ExportState, limits=(_EXPORT,))
def export(call: Call[None, None]) -> ExportState:
    """Ask for an archive of the caller's data; once it is ready, get a link to it."""
    return exports.request_export(user_id=call.caller.user_id)


@me.delete(
    "users/me",
    access=SIGNED_IN,
    body=CloseInput,
    answer=AccountClosed,
    raises=(WrongPassword, AccountCannotClose),
    limits=(_PASSWORD,),
)
def close_account(call: Call[CloseInput, None]) -> AccountClosed:
    """Close the caller's account; signing in within the grace period restores it, then it is erased."""
    return closing.close_account(user_id=call.caller.user_id, password=call.body.password, address=call.address)
