"""Routes of changing a password, and of setting one anew by mail."""

from stoa.apps.accounts.contracts import MailAsked, PasswordChanged
from stoa.apps.accounts.errors import LockedOut, TokenRefused, WrongPassword
from stoa.apps.accounts.http.fields import Password, Token
from stoa.apps.accounts.services import passwords
from stoa.platform.http.access import PUBLIC, SIGNED_IN
from stoa.platform.http.endpoints import Answer, Routes
from stoa.platform.http.inputs import CanonicalEmail, Input
from stoa.platform.http.scopes import LimitScope
from stoa.platform.http.views import Call

routes = Routes("accounts")

_CHANGE = LimitScope("change_password", "sign_in_rate")
_ASK = LimitScope("ask_reset", "reset_rate")
_CONFIRM = LimitScope("confirm_reset", "reset_rate")


class ChangeInput(Input):
    old_password: Password
    password: Password


class ResetInput(Input):
    email: CanonicalEmail


class ConfirmInput(Input):
    token: Token
    password: Password


@routes.post(
    "auth/password/change",
    access=SIGNED_IN,
    body=ChangeInput,
    answer=PasswordChanged,
    raises=(WrongPassword, LockedOut),
    limits=(_CHANGE,),
    idempotency="ignored",
)
def change(call: Call[ChangeInput, None]) -> PasswordChanged:
    """Change the caller's password; every other session ends."""
    ended = passwords.change_password(
        user_id=call.caller.user_id,
        session_id=call.caller.session_id,
        old=call.body.old_password,
        new=call.body.password,
        address=call.address,
    )
    return PasswordChanged(sessions_ended=ended)


@routes.post(
    "auth/password/reset", access=PUBLIC, body=ResetInput, answer=MailAsked, limits=(_ASK,), idempotency="ignored"
)
def reset(call: Call[ResetInput, None]) -> Answer:
    """Ask for a mail with which a new password can be set."""
    passwords.ask_reset(email=call.body.email)
    return Answer(MailAsked(), message="If this address is known, a mail is on its way.")


@routes.post(
    "auth/password/reset/confirm",
    access=PUBLIC,
    body=ConfirmInput,
    answer=PasswordChanged,
    raises=(TokenRefused,),
    limits=(_CONFIRM,),
    idempotency="ignored",
)
def confirm(call: Call[ConfirmInput, None]) -> PasswordChanged:
    """Set a new password with the token of that mail; every session ends."""
    return PasswordChanged(sessions_ended=passwords.reset_password(token=call.body.token, new=call.body.password))
