"""Routes of signing in through Google, GitHub, Facebook or an OpenID server."""

from pydantic import Field

from stoa.apps.accounts.contracts import SignedIn
from stoa.apps.accounts.domain import allowed_redirect, with_parameter
from stoa.apps.accounts.errors import MfaRequired, SocialCodeRefused, SocialProviderFailed
from stoa.apps.accounts.http.fields import Token, device_of
from stoa.apps.accounts.providers.social import COOKIE, COOKIE_PATH, LIFE_S, Return, depart
from stoa.apps.accounts.services import social
from stoa.kit.errors import DomainError, Invalid
from stoa.platform.http.access import PUBLIC
from stoa.platform.http.endpoints import Cookie, Redirect, Routes
from stoa.platform.http.inputs import Input, QueryInput
from stoa.platform.http.scopes import LimitScope
from stoa.platform.http.views import Call
from stoa.runtime.config.current import settings

routes = Routes("accounts")

_SIGN_IN = LimitScope("sign_in", "sign_in_rate")


class StartQuery(QueryInput):
    redirect: str = Field("", max_length=500, description="One of SOCIAL_REDIRECT_URLS; the first of them when absent.")


class ExchangeInput(Input):
    code: Token


@routes.get(
    "auth/social/<slug:provider>/start",
    access=PUBLIC,
    query=StartQuery,
    answer=None,
    status=302,
    raises=(SocialProviderFailed,),
    limits=(_SIGN_IN,),
)
def start(call: Call[None, StartQuery], provider: str) -> Redirect:
    """Send the browser to a provider to sign in."""
    target = allowed_redirect(call.query.redirect, settings().social_redirect_urls)
    if target is None:
        raise Invalid({"redirect": ["not one of SOCIAL_REDIRECT_URLS"]})
    departure = depart(call.request._request, provider, redirect_to=target)
    return Redirect(departure.url, cookie=_cookie(departure.cookie))


@routes.get("auth/social/<slug:provider>/callback", access=PUBLIC, answer=None, status=302, limits=(_SIGN_IN,))
def callback(call: Call[None, None], provider: str) -> Redirect:
    """Where a provider sends the browser back to.

    It goes on to the app with `code`, to be exchanged within a minute, or with `error`, a code of a refusal."""
    returned = Return(call.request._request, provider)
    # Asked again: what the cookie holds was allowed when it was written.
    target = allowed_redirect(returned.redirect_to, settings().social_redirect_urls) or "/"
    try:
        answer = ("code", social.arrive(identity=returned.identity()))
    except DomainError as refusal:
        answer = ("error", refusal.code)
    return Redirect(with_parameter(target, *answer), cookie=_cookie(returned.cookie))


@routes.post(
    "auth/social/exchange",
    access=PUBLIC,
    body=ExchangeInput,
    answer=SignedIn,
    raises=(SocialCodeRefused, MfaRequired),
    limits=(_SIGN_IN,),
    idempotency="ignored",
)
def exchange(call: Call[ExchangeInput, None]) -> SignedIn:
    """Exchange the one-time code of a social sign-in for tokens."""
    return social.exchange(code=call.body.code, device=device_of(call))


def _cookie(value: str) -> Cookie:
    return Cookie(COOKIE, value, path=COOKIE_PATH, max_age_s=LIFE_S)
