"""Routes of signing in by six digits, and of showing that a phone is one's own."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from stoa.apps.accounts.contracts import CodeSent, PhoneVerified, SignedIn
from stoa.apps.accounts.errors import LockedOut, MfaRequired, NoPhone, OtpRefused, WrongCode, WrongPassword
from stoa.apps.accounts.http.fields import Password, device_of
from stoa.apps.accounts.models import CodeWay
from stoa.apps.accounts.services import one_time_codes
from stoa.platform.http.access import PUBLIC, SIGNED_IN
from stoa.platform.http.endpoints import Answer, Routes
from stoa.platform.http.inputs import Id, Input
from stoa.platform.http.scopes import LimitScope
from stoa.platform.http.views import Call

routes = Routes("accounts")

_ASK = LimitScope("ask_otp", "otp_rate")
_VERIFY = LimitScope("verify_otp", "sign_in_rate")

type Login = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=254)]
type Digits = Annotated[str, Field(min_length=1, max_length=40)]


class OtpAskInput(Input):
    login: Login
    way: Literal["email", "sms"] = "email"


class OtpVerifyInput(Input):
    otp_id: Id
    code: Digits


class PhonePasswordInput(Input):
    password: Password


@routes.post(
    "auth/otp/request", access=PUBLIC, body=OtpAskInput, answer=CodeSent, limits=(_ASK,), idempotency="ignored"
)
def ask(call: Call[OtpAskInput, None]) -> Answer:
    """Ask for a code to sign in with, by mail or text message.

    It goes to a verified e-mail or number only; the answer tells nothing of whether there is one."""
    code_id = one_time_codes.ask_sign_in_code(login=call.body.login, way=CodeWay(call.body.way))
    return Answer(CodeSent(otp_id=code_id), message="If this account can be reached so, a code is on its way.")


@routes.post(
    "auth/otp/verify",
    access=PUBLIC,
    body=OtpVerifyInput,
    answer=SignedIn,
    raises=(OtpRefused, LockedOut, MfaRequired),
    limits=(_VERIFY,),
    idempotency="ignored",
)
def verify(call: Call[OtpVerifyInput, None]) -> SignedIn:
    """Sign in with the code: once, within five minutes and five tries."""
    body = call.body
    return one_time_codes.sign_in_with_code(code_id=body.otp_id, code=body.code, device=device_of(call))


@routes.post(
    "auth/phone/request",
    access=SIGNED_IN,
    body=PhonePasswordInput,
    answer=CodeSent,
    raises=(WrongPassword, LockedOut, NoPhone),
    limits=(_ASK,),
    idempotency="ignored",
)
def ask_phone(call: Call[PhonePasswordInput, None]) -> CodeSent:
    """Ask for a code at the number in the caller's profile."""
    code_id = one_time_codes.ask_phone_code(
        user_id=call.caller.user_id, password=call.body.password, address=call.address
    )
    return CodeSent(otp_id=code_id)


@routes.post(
    "auth/phone/verify",
    access=SIGNED_IN,
    body=OtpVerifyInput,
    answer=PhoneVerified,
    raises=(WrongCode, LockedOut),
    limits=(_VERIFY,),
    idempotency="ignored",
)
def verify_phone(call: Call[OtpVerifyInput, None]) -> PhoneVerified:
    """Show with that code that the number is the caller's; from then on they can sign in by text message."""
    body = call.body
    one_time_codes.verify_phone(user_id=call.caller.user_id, code_id=body.otp_id, code=body.code, address=call.address)
    return PhoneVerified()
