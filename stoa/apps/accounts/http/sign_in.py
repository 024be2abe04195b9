"""Routes of joining, signing in, and the sessions that come of it."""

from uuid import UUID

from pydantic import AliasChoices, Field

from stoa.apps.accounts.contracts import SessionView, SignedIn, SignedOut, TokenPair
from stoa.apps.accounts.errors import BadCredentials, EmailTaken, HandleTaken, LockedOut, MfaRequired, RefreshRefused
from stoa.apps.accounts.http.fields import Handle, Name, Password, Token, device_of
from stoa.apps.accounts.queries import session_page
from stoa.apps.accounts.services import ending, people, sessions
from stoa.kit.errors import Missing
from stoa.platform.http.access import PUBLIC, SIGNED_IN
from stoa.platform.http.endpoints import Answer, Routes
from stoa.platform.http.inputs import CanonicalEmail, Input
from stoa.platform.http.pages import Page, PageQuery
from stoa.platform.http.scopes import LimitScope
from stoa.platform.http.views import Call

routes = Routes("accounts")

_SIGN_IN = LimitScope("sign_in", "sign_in_rate")
_REGISTER = LimitScope("register", "register_rate")


class RegisterInput(Input):
    email: CanonicalEmail
    password: Password
    name: Name = Field(validation_alias=AliasChoices("name", "full_name"))
    handle: Handle | None = None


class LoginInput(Input):
    email: str = Field(min_length=1, max_length=254, description="E-mail or handle.")
    password: Password


class RefreshInput(Input):
    refresh: Token


@routes.post(
    "auth/register",
    access=PUBLIC,
    body=RegisterInput,
    answer=SignedIn,
    status=201,
    raises=(EmailTaken, HandleTaken),
    limits=(_REGISTER,),
    idempotency="ignored",
)
def register(call: Call[RegisterInput, None]) -> Answer:
    """Register and sign in."""
    body = call.body
    signed_in = people.register(
        email=body.email, password=body.password, name=body.name, handle=body.handle, device=device_of(call)
    )
    return Answer(signed_in, message="Welcome.")


@routes.post(
    "auth/login",
    access=PUBLIC,
    body=LoginInput,
    answer=SignedIn,
    raises=(BadCredentials, MfaRequired, LockedOut),
    limits=(_SIGN_IN,),
    idempotency="ignored",
)
def login(call: Call[LoginInput, None]) -> SignedIn:
    """Sign in with e-mail or handle and password."""
    return sessions.sign_in(login=call.body.email, password=call.body.password, device=device_of(call))


@routes.post(
    "auth/refresh",
    access=PUBLIC,
    body=RefreshInput,
    answer=TokenPair,
    raises=(RefreshRefused,),
    idempotency="ignored",
)
def refresh(call: Call[RefreshInput, None]) -> TokenPair:
    """Exchange a refresh token for the next pair of tokens."""
    return sessions.refresh(token=call.body.refresh)


@routes.post("auth/logout", access=PUBLIC, body=RefreshInput, answer=SignedOut, idempotency="ignored")
def logout(call: Call[RefreshInput, None]) -> SignedOut:
    """End the session of a refresh token."""
    sessions.sign_out(token=call.body.refresh)
    return SignedOut()


@routes.post("auth/logout-all", access=SIGNED_IN, answer=SignedOut, idempotency="ignored")
def logout_everywhere(call: Call[None, None]) -> SignedOut:
    """End all of the caller's sessions."""
    ending.sign_out_everywhere(user_id=call.caller.user_id)
    return SignedOut()


@routes.get("auth/sessions", access=SIGNED_IN, query=PageQuery, answer=SessionView, listed="keyset")
def list_sessions(call: Call[None, PageQuery]) -> Page:
    """List where the caller is signed in."""
    return session_page(call.caller, call.query, route=call.route)


@routes.delete("auth/sessions/<uuid:session_id>", access=SIGNED_IN, answer=SignedOut, raises=(Missing,))
def end_session(call: Call[None, None], session_id: UUID) -> SignedOut:
    """End one of the caller's sessions."""
    sessions.end_session(user_id=call.caller.user_id, session_id=session_id)
    return SignedOut()
