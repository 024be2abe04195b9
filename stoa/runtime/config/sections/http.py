"""How the API treats its callers."""

from pydantic import SecretStr

from stoa.runtime.config.registry import Section, setting
from stoa.runtime.config.values import Rate, Switch, Words


class Http(Section):
    """HTTP."""

    cors_allowed_origins: Words = setting(
        (), "Origins whose pages may call the API from a browser.", example="https://app.example.org"
    )
    csrf_trusted_origins: Words = setting(
        (), "Origins whose forms the admin accepts.", example="https://admin.example.org"
    )
    trusted_proxy_count: int = setting(
        0,
        "Proxies in front of Stoa whose X-Forwarded-For entry is believed.",
        unit="hops",
        ge=0,
        le=16,
        example="1",
        why="Believed from anyone, the header lets a caller choose the address that limits and audit see.",
    )
    max_body_bytes: int = setting(
        1_048_576, "Largest request body; uploads go to storage instead.", unit="bytes", ge=1024, example="2097152"
    )
    rate_limit_per_minute: int = setting(
        0, "Requests a caller may make in a minute over all routes; 0 switches it off.", unit="requests", ge=0,
        example="600",
    )
    rate_limit_burst: int = setting(
        0, "How many of those may come at once; 0 means a whole minute's.", unit="requests", ge=0, example="50"
    )
    throttle_user_rate: Rate = setting("120/min", "Default limit of a signed-in caller.", example="600/min")
    throttle_anon_rate: Rate = setting("60/min", "Default limit of an anonymous address.", example="120/min")
    sign_in_rate: Rate = setting("20/min", "Sign-in attempts from one address.", example="10/min")
    register_rate: Rate = setting("10/hour", "Registrations from one address.", example="5/hour")
    idempotency_retention_hours: int = setting(
        24, "How long an Idempotency-Key is remembered.", unit="hours", ge=1, le=720, example="48"
    )
    enable_key_mirroring: Switch = setting(
        False, "Copy the keys of an object `data` to the root of the envelope, for old clients.", example="true"
    )
    enable_response_enrichment: Switch = setting(
        False, "Add app_version, duration_ms and org_id to `meta`.", example="true"
    )


class Tokens(Section):
    """Tokens."""

    jwt_secret: SecretStr | None = setting(
        None,
        "Signs access tokens; derived from DJANGO_SECRET_KEY when unset, required in production.",
        secret=True,
        example="openssl rand -base64 48",
    )
    jwt_keys: SecretStr | None = setting(
        None,
        "kid:secret pairs, commas between; the first signs, all verify.",
        secret=True,
        example="2026b:NEW,2026a:OLD",
        why="A key rotates without signing anyone out: put the new one first, drop the old one after a token's life.",
    )
    jwt_access_token_lifetime_minutes: int = setting(
        15, "Life of an access token.", unit="minutes", ge=1, le=1440, example="5"
    )
    jwt_refresh_token_lifetime_days: int = setting(
        7, "Life of a refresh token; each use gives a new one.", unit="days", ge=1, le=365, example="30"
    )
