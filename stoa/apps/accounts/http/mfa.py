"""Routes of the second step of a sign-in, and of what it asks for."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from stoa.apps.accounts.contracts import MfaState, RecoveryCodes, SignedIn, TotpEnrolment
from stoa.apps.accounts.errors import BadCredentials, LockedOut, MfaRefused, TotpOff, TotpOn, WrongCode, WrongPassword
from stoa.apps.accounts.http.fields import Password, Token, device_of
from stoa.apps.accounts.queries import mfa_state
from stoa.apps.accounts.services import mfa, sessions
from stoa.platform.http.access import PUBLIC, SIGNED_IN
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.inputs import Input
from stoa.platform.http.scopes import LimitScope
from stoa.platform.http.views import Call

routes = Routes("accounts")

_VERIFY = LimitScope("mfa_verify", "sign_in_rate")
_PASSWORD = LimitScope("mfa_password", "sign_in_rate")

type Code = Annotated[str, Field(min_length=1, max_length=40)]


class MfaPasswordInput(Input):
    password: Password


class TotpCodeInput(Input):
    code: Code


class MfaVerifyInput(Input):
    mfa_token: Token
    code: Code | None = None
    recovery_code: Code | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.code is None) == (self.recovery_code is None):
            raise ValueError("give either code or recovery_code")
        return self


@routes.post(
    "auth/mfa/verify",
    access=PUBLIC,
    body=MfaVerifyInput,
    answer=SignedIn,
    raises=(MfaRefused, BadCredentials, LockedOut),
    limits=(_VERIFY,),
    idempotency="ignored",
)
def verify(call: Call[MfaVerifyInput, None]) -> SignedIn:
    """Finish signing in with the app's code or a recovery code."""
    body = call.body
    return sessions.finish_second_step(
        token=body.mfa_token, code=body.code or "", recovery_code=body.recovery_code or "", device=device_of(call)
    )


@routes.get("auth/mfa", access=SIGNED_IN, answer=MfaState)
def show_mfa(call: Call[None, None]) -> MfaState:
    """Show what the caller's sign-in asks for beside the password."""
    return mfa_state(call.caller.user_id)


@routes.post(
    "auth/mfa/totp",
    access=SIGNED_IN,
    body=MfaPasswordInput,
    answer=TotpEnrolment,
    raises=(WrongPassword, TotpOn, LockedOut),
    limits=(_PASSWORD,),
    idempotency="ignored",
)
def enrol_totp(call: Call[MfaPasswordInput, None]) -> TotpEnrolment:
    """Add an authenticator app; it is asked for once a code of it was confirmed."""
    return mfa.enrol_totp(user_id=call.caller.user_id, password=call.body.password, address=call.address)


@routes.post(
    "auth/mfa/totp/confirm",
    access=SIGNED_IN,
    body=TotpCodeInput,
    answer=RecoveryCodes,
    raises=(WrongCode, TotpOn, TotpOff),
    limits=(_VERIFY,),
    idempotency="ignored",
)
def confirm_totp(call: Call[TotpCodeInput, None]) -> RecoveryCodes:
    """Confirm the app by a code of it; answers recovery codes, once."""
    return mfa.confirm_totp(user_id=call.caller.user_id, code=call.body.code)


@routes.delete(
    "auth/mfa/totp",
    access=SIGNED_IN,
    body=MfaPasswordInput,
    answer=MfaState,
    raises=(WrongPassword, LockedOut),
    limits=(_PASSWORD,),
)
def remove_totp(call: Call[MfaPasswordInput, None]) -> MfaState:
    """Remove the authenticator app and its recovery codes."""
    return mfa.remove_totp(user_id=call.caller.user_id, password=call.body.password, address=call.address)


@routes.post(
    "auth/mfa/recovery-codes",
    access=SIGNED_IN,
    body=MfaPasswordInput,
    answer=RecoveryCodes,
    raises=(WrongPassword, TotpOff, LockedOut),
    limits=(_PASSWORD,),
    idempotency="ignored",
)
def renew_recovery_codes(call: Call[MfaPasswordInput, None]) -> RecoveryCodes:
    """Make new recovery codes, shown once; the old ones work no more."""
    return mfa.renew_recovery_codes(user_id=call.caller.user_id, password=call.body.password, address=call.address)
