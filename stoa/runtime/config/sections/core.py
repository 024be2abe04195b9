"""What this installation is and who serves it."""

from typing import Literal

from pydantic import SecretStr

from stoa.runtime.config.registry import Section, setting
from stoa.runtime.config.values import Switch, Words

DEVELOPMENT_SECRET = "development-only-secret-that-production-refuses"  # noqa: S105 - refused in production


class Core(Section):
    """Core."""

    environment: Literal["development", "test", "staging", "production"] = setting(
        "development",
        "What this installation is for; `production` turns the refusals on.",
        example="production",
        why="Unsafe defaults are fine on a laptop and refused where people depend on it.",
    )
    django_secret_key: SecretStr = setting(
        SecretStr(DEVELOPMENT_SECRET),
        "Signs cookies, cursors and everything derived; at least 32 characters in production.",
        secret=True,
        aliases=("SECRET_KEY",),
        example="<output of: openssl rand -base64 48>",
        why="All processes must agree on it; a new one signs every admin session out.",
    )
    django_debug: Switch = setting(
        False,
        "Django's debug pages on HTML routes; the API never shows an exception.",
        aliases=("DEBUG",),
        example="true",
        why="Handy while templates are written; refused in production.",
    )
    django_allowed_hosts: Words = setting(
        ("localhost", "127.0.0.1", "[::1]"),
        "Host names this server answers to.",
        aliases=("ALLOWED_HOSTS",),
        example="api.example.org",
        why="A forged Host header must not reach a link in an e-mail.",
    )
    demo_data: Switch = setting(
        False,
        "Seed demo people at the first start and let them sign in.",
        example="true",
        why="Their passwords are public; with this off, a demo account cannot sign in at all.",
    )
    admin_email: str | None = setting(
        None,
        "Whom `bootstrap_admin` makes the first superuser.",
        example="ops@example.org",
        why="A container's first start has nobody at the keyboard.",
    )
    admin_password: SecretStr | None = setting(
        None,
        "Password of that superuser; without it one is generated and shown once.",
        secret=True,
        example="<output of: openssl rand -base64 24>",
        why="Read only while the account is made; an account that is there keeps its password.",
    )
