"""Routes of accounts."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field

from stoa.apps.accounts.contracts import Profile, SessionView, SignedIn, SignedOut, TokenPair
from stoa.apps.accounts.domain import HANDLE, canonical_email, is_handle
from stoa.apps.accounts.errors import BadCredentials, EmailTaken, HandleTaken, RefreshRefused
from stoa.apps.accounts.queries import own_user, profile_of, session_page
from stoa.apps.accounts.services import people, sessions
from stoa.apps.accounts.services.sessions import Device
from stoa.kit.errors import Missing
from stoa.platform.http.access import PUBLIC, SIGNED_IN
from stoa.platform.http.endpoints import Answer, Routes
from stoa.platform.http.inputs import Email, Input, Text
from stoa.platform.http.pages import Page, PageQuery
from stoa.platform.http.scopes import LimitScope
from stoa.platform.http.views import Call

routes = Routes("accounts")

_SIGN_IN = LimitScope("sign_in", "sign_in_rate")
_REGISTER = LimitScope("register", "register_rate")


def _handle(value: str) -> str:
    if not is_handle(value):
        raise ValueError("3 to 30 of a-z, 0-9 and _")
    return value


def _canonical(value: object) -> object:
    return canonical_email(value) if isinstance(value, str) else value


CanonicalEmail = Annotated[Email, BeforeValidator(_canonical)]
"""Checked in the form that is stored: the canonical form of one character can be eighteen, or an @."""
type Handle = Annotated[str, AfterValidator(_handle), Field(json_schema_extra={"pattern": f"^{HANDLE.pattern}$"})]
type Name = Annotated[Text, Field(max_length=120)]
type Password = Annotated[str, Field(min_length=1, max_length=128)]
type Token = Annotated[str, Field(min_length=1, max_length=200)]


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


class ProfileInput(Input):
    name: Name | None = None
    handle: Handle | None = None


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
        email=body.email, password=body.password, name=body.name, handle=body.handle, device=_device(call)
    )
    return Answer(signed_in, message="Welcome.")


@routes.post(
    "auth/login",
    access=PUBLIC,
    body=LoginInput,
    answer=SignedIn,
    raises=(BadCredentials,),
    limits=(_SIGN_IN,),
    idempotency="ignored",
)
def login(call: Call[LoginInput, None]) -> SignedIn:
    """Sign in with e-mail or handle and password."""
    return sessions.sign_in(login=call.body.email, password=call.body.password, device=_device(call))


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


@routes.get("auth/sessions", access=SIGNED_IN, query=PageQuery, answer=SessionView, listed="keyset")
def list_sessions(call: Call[None, PageQuery]) -> Page:
    """List where the caller is signed in."""
    return session_page(call.caller, call.query, route=call.route)


@routes.delete("auth/sessions/<uuid:session_id>", access=SIGNED_IN, answer=SignedOut, raises=(Missing,))
def end_session(call: Call[None, None], session_id: UUID) -> SignedOut:
    """End one of the caller's sessions."""
    sessions.end_session(user_id=call.caller.user_id, session_id=session_id)
    return SignedOut()


@routes.get("profile/me", access=SIGNED_IN, answer=Profile, conditional="read")
@routes.get("users/me", access=SIGNED_IN, answer=Profile, conditional="read")
def show_me(call: Call[None, None]) -> Answer:
    """Show the caller's own profile."""
    user = own_user(call.caller.user_id)
    return Answer(profile_of(user), etag=str(user.version))


@routes.patch(
    "profile/me", access=SIGNED_IN, body=ProfileInput, answer=Profile, raises=(HandleTaken,), conditional="write"
)
@routes.patch(
    "users/me", access=SIGNED_IN, body=ProfileInput, answer=Profile, raises=(HandleTaken,), conditional="write"
)
def edit_me(call: Call[ProfileInput, None]) -> Answer:
    """Edit the caller's own profile."""
    edited = people.edit_profile(
        user_id=call.caller.user_id,
        name=call.body.name,
        handle=call.body.handle,
        require_version=lambda version: call.require_match(str(version)),
    )
    return Answer(edited.profile, etag=str(edited.version))


def _device(call: Call[Any, None]) -> Device:
    return Device(agent=call.agent, address=call.address)
