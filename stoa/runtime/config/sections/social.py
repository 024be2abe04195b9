"""Signing in through other services."""

from pydantic import SecretStr

from stoa.runtime.config.registry import Section, setting
from stoa.runtime.config.values import Switch, Words


def _client_id(provider: str) -> str | None:
    found: str | None = setting(
        None,
        f"Client id of this installation at {provider}; unset switches that sign-in off.",
        example="<from its console>",
        why="Each installation is a client of its own: its name and address are what people see when they agree.",
    )
    return found


def _secret(provider: str, word: str) -> SecretStr | None:
    found: SecretStr | None = setting(
        None,
        f"Client secret of this installation at {provider}.",
        secret=True,
        aliases=(f"SOCIAL_{word}_SECRET",),
        example="<from its console>",
        why="With it alone codes that the browser brings become tokens.",
    )
    return found


class Social(Section):
    """Social sign-in."""

    social_redirect_urls: Words = setting(
        (),
        "Addresses of the app that a social sign-in may end at; an origin alone allows every path of it.",
        example="https://app.example.org/signed-in",
        why="The one-time code goes there, so it must be nobody else's. The first is where a sign-in without a wish ends.",
    )
    social_deadline_s: float = setting(
        8.0,
        "How long all requests of one social sign-in to its provider may take together.",
        unit="seconds",
        gt=0,
        le=30,
        example="5",
        why="A provider that hangs must not hold our threads.",
    )
    social_google_client_id: str | None = _client_id("Google")
    social_google_client_secret: SecretStr | None = _secret("Google", "GOOGLE")
    social_github_client_id: str | None = _client_id("GitHub")
    social_github_client_secret: SecretStr | None = _secret("GitHub", "GITHUB")
    social_facebook_client_id: str | None = _client_id("Facebook")
    social_facebook_client_secret: SecretStr | None = _secret("Facebook", "FACEBOOK")
    social_facebook_trust_email: Switch = setting(
        False,
        "Take the e-mail that Facebook tells as verified.",
        example="true",
        why="Facebook does not say whether it is. Off, Facebook signs in only who was linked before; on, its word is trusted.",
    )
    social_openid_client_id: str | None = _client_id("your OpenID server")
    social_openid_client_secret: SecretStr | None = _secret("your OpenID server", "OPENID")
    social_openid_server_url: str | None = setting(
        None,
        "Address of your OpenID server, its issuer.",
        example="https://id.example.org",
        why="Its document says where people sign in and with which keys it signs.",
    )
