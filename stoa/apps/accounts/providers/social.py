"""To a provider and back, by allauth: state, PKCE and nonce made and checked. Not inside a transaction.

Between the two the browser keeps them in a signed cookie of the social paths alone: a session row for every visitor who
clicks and never returns would be a table that anybody can fill."""

import secrets
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from stoa.apps.accounts.domain import SocialIdentity
from stoa.apps.accounts.errors import SocialCancelled, SocialProviderFailed, SocialStateRefused
from stoa.apps.accounts.providers.allauth_adapter import PROVIDERS, SIGNED, app_of
from stoa.apps.accounts.providers.social_session import one_deadline
from stoa.kit.errors import Missing
from stoa.runtime.http_client import NoAnswer
from stoa.runtime.logs import get_logger

COOKIE = "stoa_social"
COOKIE_PATH = "/api/v1/auth/social/"
LIFE_S = statekit.STATE_TTL
_TABS = 3
"""Sign-ins that one browser may have under way: more would not fit into a cookie."""
_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "ES256", "ES384"})

# What a provider that answers nonsense makes allauth raise.
_FAULTS = (
    *(OAuth2Error, NoAnswer, httpx.HTTPError, jwt.PyJWTError, ImproperlyConfigured),
    *(ValueError, KeyError, TypeError, AttributeError),
)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Departure:
    """Where the browser goes, and its cookie."""

    url: str
    cookie: str


class Return:
    """A browser that came back. `cookie` is what it keeps; `redirect_to` is where it wanted to go, "" when unknown."""

    def __init__(self, request: HttpRequest, name: str) -> None:
        """Spends the state. Raises Missing."""
        self._request, self._name = request, name
        self._provider = _provider(request, name)
        request.session = _session(request)
        state_id = request.GET.get("state", "")
        self._state = statekit.unstash_state(request, provider_id=name, state_id=state_id)
        self.redirect_to = str((self._state or {}).get("next", ""))
        self.cookie = _saved(request)

    def identity(self) -> SocialIdentity:
        """Ask the provider who it is. Raises SocialStateRefused, SocialCancelled and SocialProviderFailed."""
        if self._state is None:
            raise SocialStateRefused
        if self._request.GET.get("error") == "access_denied":
            raise SocialCancelled
        if not self._request.GET.get("code"):
            raise SocialProviderFailed
        try:
            with one_deadline():
                return _identity(self._name, self._provider, self._asked())
        except _FAULTS as error:
            raise _failed(self._name, error) from error

    def _asked(self) -> Any:
        state: Any = self._state
        calls, app = self._provider.get_oauth2_adapter(self._request), self._provider.app
        client = calls.get_client(self._request, app)
        answer = calls.get_access_token_data(
            self._request, app, client, pkce_code_verifier=state.get("pkce_code_verifier")
        )
        # allauth trusts TLS for tokens that it fetched itself; so it checks the signature all the same.
        calls.did_fetch_access_token = False
        if self._name in SIGNED and jwt.get_unverified_header(answer["id_token"]).get("alg") not in _ALGORITHMS:
            raise ValueError("an algorithm that is not accepted")
        login = calls.complete_login(self._request, app, calls.parse_token(answer), response=answer)
        if self._name in SIGNED:
            _check_claims(login.account.extra_data, nonce=state["data"]["nonce"])
        if self._name == "openid":
            _check_issuer(calls.openid_config["issuer"], self._provider.server_url)
        return login


def depart(request: HttpRequest, name: str, *, redirect_to: str) -> Departure:
    """Raises Missing for a provider that is off, and SocialProviderFailed (openid alone asks its server first)."""
    provider = _provider(request, name)
    request.session = _session(request)
    nonce = secrets.token_urlsafe(24)
    try:
        with one_deadline():
            answer = provider.redirect(
                request,
                process="login",
                next_url=redirect_to,
                data={"nonce": nonce},
                auth_params={"nonce": nonce} if name in SIGNED else {},
            )
    except _FAULTS as error:
        raise _failed(name, error) from error
    return Departure(url=answer.url, cookie=_saved(request))


def _provider(request: HttpRequest, name: str) -> Any:
    app = app_of(name)
    if app is None:
        raise Missing
    return PROVIDERS[name](request, app=app)


def _failed(name: str, error: Exception) -> SocialProviderFailed:
    # The class alone: texts of these hold answers of the provider, tokens and all.
    log.warning("social sign-in failed", provider=name, error=type(error).__name__)
    return SocialProviderFailed()


def _session(request: HttpRequest) -> SessionStore:
    session = SessionStore(request.COOKIES.get(COOKIE))
    states = session.get(statekit.STATES_SESSION_KEY)
    if isinstance(states, dict):
        newest = sorted(states.items(), key=lambda each: each[1][1])[-_TABS:]
        session[statekit.STATES_SESSION_KEY] = dict(newest)
    return session


def _saved(request: HttpRequest) -> str:
    request.session.save()
    return str(request.session.session_key)


def _identity(name: str, provider: Any, login: Any) -> SocialIdentity:
    # `is True`: some servers write "false", which is true.
    verified = [each.email for each in login.email_addresses if each.verified is True]
    known = [each.email for each in login.email_addresses]
    return SocialIdentity(
        provider=name,
        uid=login.account.uid,
        email=next(iter(verified or known), ""),
        email_verified=bool(verified),
        name=" ".join(str(login.user.name or "").split())[:120],
    )


def _check_claims(data: Any, *, nonce: str) -> None:
    claims = data.get("id_token", data)
    if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise ValueError("another nonce")
    if data.get("userinfo", claims).get("sub") != claims["sub"]:
        raise ValueError("userinfo of somebody else")


def _check_issuer(issuer: str, server_url: str) -> None:
    if issuer.rstrip("/") != server_url.partition("/.well-known/")[0].rstrip("/"):
        raise ValueError("the document of another issuer")
