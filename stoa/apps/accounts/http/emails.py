"""Routes of showing that an e-mail is one's own, and of changing it."""

from stoa.apps.accounts.contracts import EmailVerified, MailAsked
from stoa.apps.accounts.errors import EmailTaken, LockedOut, TokenRefused, WrongPassword
from stoa.apps.accounts.http.fields import Password, Token
from stoa.apps.accounts.services import emails
from stoa.platform.http.access import PUBLIC, SIGNED_IN
from stoa.platform.http.endpoints import Answer, Routes
from stoa.platform.http.inputs import CanonicalEmail, Input
from stoa.platform.http.scopes import LimitScope
from stoa.platform.http.views import Call

routes = Routes("accounts")

_VERIFY = LimitScope("verify_email", "sign_in_rate")
_CHANGE = LimitScope("change_email", "resend_rate")
_RESEND = LimitScope("resend_verification", "resend_rate")


class VerifyInput(Input):
    token: Token


class ResendInput(Input):
    email: CanonicalEmail


class ChangeEmailInput(Input):
    email: CanonicalEmail
    password: Password


@routes.post(
    "auth/email/verify",
    access=PUBLIC,
    body=VerifyInput,
    answer=EmailVerified,
    raises=(TokenRefused,),
    limits=(_VERIFY,),
    idempotency="ignored",
)
def verify(call: Call[VerifyInput, None]) -> EmailVerified:
    """Confirm an e-mail with the token that was sent to it."""
    emails.verify_email(token=call.body.token)
    return EmailVerified()


@routes.post(
    "auth/email/resend", access=PUBLIC, body=ResendInput, answer=MailAsked, limits=(_RESEND,), idempotency="ignored"
)
def resend(call: Call[ResendInput, None]) -> Answer:
    """Ask for the verification mail again."""
    emails.ask_again(email=call.body.email)
    return Answer(MailAsked(), message="If this address waits to be verified, a mail is on its way.")


@routes.post(
    "auth/email/change",
    access=SIGNED_IN,
    body=ChangeEmailInput,
    answer=MailAsked,
    raises=(WrongPassword, LockedOut),
    limits=(_CHANGE,),
    idempotency="ignored",
)
def change(call: Call[ChangeEmailInput, None]) -> Answer:
    """Ask for another e-mail: a token goes to the new address, a notice to the old one."""
    emails.ask_to_change(
        user_id=call.caller.user_id, password=call.body.password, new_email=call.body.email, address=call.address
    )
    return Answer(MailAsked(), message="If nobody has this address, a mail is on its way to it.")


@routes.post(
    "auth/email/change/confirm",
    access=PUBLIC,
    body=VerifyInput,
    answer=EmailVerified,
    raises=(TokenRefused, EmailTaken),
    limits=(_VERIFY,),
    idempotency="ignored",
)
def confirm_change(call: Call[VerifyInput, None]) -> EmailVerified:
    """Take the new e-mail with the token that was sent to it."""
    emails.change_email(token=call.body.token)
    return EmailVerified()
