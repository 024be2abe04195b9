"""How the API treats its callers."""

from pydantic import SecretStr

from stoa.runtime.config.registry import Section, setting
from stoa.runtime.config.values import Rate, Switch, Words


class Http(Section):
    """HTTP."""

    cors_allowed_origins: Words = setting(
        (),
        "Origins whose pages may call the API from a browser.",
        example="https://app.example.org",
        why="A browser asks before it lets one site's page read another's answers.",
    )
    csrf_trusted_origins: Words = setting(
        (),
        "Origins whose forms the admin accepts.",
        example="https://admin.example.org",
        why="Behind a proxy that ends TLS, Django cannot tell its own forms by itself.",
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
        1_048_576,
        "Largest request body; uploads go to storage instead.",
        unit="bytes",
        ge=1024,
        example="2097152",
        why="A body is held in memory while it is read.",
    )
    rate_limit_per_minute: int = setting(
        0,
        "Requests a caller may make in a minute over all routes; 0 switches it off.",
        unit="requests",
        ge=0,
        example="600",
        why="One bound over everything, on top of each route's own limit.",
    )
    rate_limit_burst: int = setting(
        0,
        "How many of those may come at once; 0 means a whole minute's.",
        unit="requests",
        ge=0,
        example="50",
        why="It smooths a client that sends its whole minute in the first second.",
    )
    throttle_user_rate: Rate = setting(
        "120/min",
        "Default limit of a signed-in caller.",
        example="600/min",
        why="One busy client must not take everybody's turn.",
    )
    throttle_anon_rate: Rate = setting(
        "60/min",
        "Default limit of an anonymous address.",
        example="120/min",
        why="Many people may share an address, so it is not much lower than a person's.",
    )
    sign_in_rate: Rate = setting(
        "20/min",
        "Sign-in attempts from one address.",
        example="10/min",
        why="Guessing passwords has to be slow; hashing them costs us more than it costs the guesser.",
    )
    register_rate: Rate = setting(
        "10/hour",
        "Registrations from one address.",
        example="5/hour",
        why="Accounts made by the thousand are hard to remove again.",
    )
    idempotency_retention_hours: int = setting(
        24,
        "How long an Idempotency-Key is remembered.",
        unit="hours",
        ge=1,
        le=720,
        example="48",
        why="A retry inside this time gets the first answer; after it, the key counts as new.",
    )
    enable_key_mirroring: Switch = setting(
        False,
        "Copy the keys of an object `data` to the root of the envelope, for old clients.",
        example="true",
        why="Clients written before the envelope read the fields at the root.",
    )
    enable_response_enrichment: Switch = setting(
        False,
        "Add app_version, duration_ms and org_id to `meta`.",
        example="true",
        why="Handy while a client is developed; off, answers are smaller and tell less.",
    )


class Tokens(Section):
    """Tokens."""

    jwt_secret: SecretStr | None = setting(
        None,
        "Signs access tokens; derived from DJANGO_SECRET_KEY when unset, required in production.",
        secret=True,
        example="<output of: openssl rand -base64 48>",
        why="Apart from DJANGO_SECRET_KEY, either can be changed without the other.",
    )
    jwt_keys: SecretStr | None = setting(
        None,
        "kid:secret pairs, commas between; the first signs, all verify.",
        secret=True,
        example="2026b:<new>,2026a:<old>",
        why="A key rotates without signing anyone out: put the new one first, drop the old one after a token's life.",
    )
    jwt_access_token_lifetime_minutes: int = setting(
        15,
        "Life of an access token.",
        unit="minutes",
        ge=1,
        le=1440,
        example="5",
        why="A stolen one works until then: shorter is safer, and costs a refresh more often.",
    )
    jwt_refresh_token_lifetime_days: int = setting(
        7,
        "Life of a refresh token; each use gives a new one.",
        unit="days",
        ge=1,
        le=365,
        example="30",
        why="It is how long a person may stay away without signing in again.",
    )
