"""allauth as a library: its applications come from our settings, its requests leave through our client.

Named in SOCIALACCOUNT_ADAPTER. None of its pages, signals or middleware is used."""

from typing import Any

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.facebook.provider import FacebookProvider
from allauth.socialaccount.providers.facebook.views import FacebookOAuth2Adapter
from allauth.socialaccount.providers.github.provider import GitHubProvider
from allauth.socialaccount.providers.github.views import GitHubOAuth2Adapter
from allauth.socialaccount.providers.google.provider import GoogleProvider
from allauth.socialaccount.providers.google.views import GoogleOAuth2Adapter
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import HttpRequest

from stoa.apps.accounts.providers.social_session import Session
from stoa.runtime.config.current import settings

CALLBACK = "/api/v1/auth/social/{}/callback"


class _OurCallback:
    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return request.build_absolute_uri(CALLBACK.format(app.name))


class _GoogleCalls(_OurCallback, GoogleOAuth2Adapter):
    pass


class _GitHubCalls(_OurCallback, GitHubOAuth2Adapter):
    pass


class _FacebookCalls(_OurCallback, FacebookOAuth2Adapter):
    pass


class _OpenIdCalls(_OurCallback, OpenIDConnectOAuth2Adapter):
    pass


class Google(GoogleProvider):
    oauth2_adapter_class = _GoogleCalls


class GitHub(GitHubProvider):
    oauth2_adapter_class = _GitHubCalls


class Facebook(FacebookProvider):
    oauth2_adapter_class = _FacebookCalls


class OpenId(OpenIDConnectProvider):
    oauth2_adapter_class = _OpenIdCalls


PROVIDERS: dict[str, Any] = {"google": Google, "github": GitHub, "facebook": Facebook, "openid": OpenId}
SIGNED = frozenset({"google", "openid"})
"""Those that answer with a signed id token, and so with our nonce."""
_SCOPES = {
    "google": ["openid", "profile", "email"],
    "github": ["user:email"],
    "facebook": ["email", "public_profile"],
    "openid": ["openid", "profile", "email"],
}


def app_of(name: str) -> SocialApp | None:
    """None where the provider is unknown or switched off."""
    current = settings()
    if name not in PROVIDERS:
        return None
    client_id, secret = {
        "google": (current.social_google_client_id, current.social_google_client_secret),
        "github": (current.social_github_client_id, current.social_github_client_secret),
        "facebook": (current.social_facebook_client_id, current.social_facebook_client_secret),
        "openid": (current.social_openid_client_id, current.social_openid_client_secret),
    }[name]
    if not client_id or secret is None or (name == "openid" and not current.social_openid_server_url):
        return None
    options: dict[str, object] = {
        "scope": _SCOPES[name],
        # Facebook's exchange is a GET, to which allauth adds no verifier.
        "oauth_pkce_enabled": name != "facebook",
        "verified_email": name == "facebook" and current.social_facebook_trust_email,
    }
    if name == "openid":
        options["server_url"] = current.social_openid_server_url
    kind = "openid_connect" if name == "openid" else name
    return SocialApp(
        provider=kind,
        provider_id=name,
        name=name,
        client_id=client_id,
        secret=secret.get_secret_value(),
        settings=options,
    )


class SocialAdapter(DefaultSocialAccountAdapter):
    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Any:
        app = app_of(provider)
        if app is None:
            raise SocialApp.DoesNotExist
        return PROVIDERS[provider](request, app=app)

    def get_requests_session(self) -> Session:
        return Session()

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> Any:
        """Only the name is taken from here; the e-mail, with what is known of it, from `email_addresses`."""
        parts = (data.get("first_name"), data.get("last_name"))
        sociallogin.user.name = data.get("name") or " ".join(part for part in parts if part)
        return sociallogin.user
