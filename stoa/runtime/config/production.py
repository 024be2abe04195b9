"""What production refuses to start with: defaults that are fine on a laptop and dangerous in front of people."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import SecretStr

from stoa.runtime.config.database_address import TLS_MODES, names_postgres
from stoa.runtime.config.encryption_keys import read_keys
from stoa.runtime.config.sections.core import DEVELOPMENT_SECRET

if TYPE_CHECKING:
    from stoa.runtime.config.model import Settings

SHORTEST_SECRET = 32


def refusals(settings: "Settings", origins: Mapping[str, str]) -> list[str]:
    """One sentence a fault; empty outside production."""
    if not settings.in_production:
        return []
    faults = [
        _weak("DJANGO_SECRET_KEY", settings.django_secret_key),
        _weak("JWT_SECRET", settings.jwt_secret) if settings.jwt_keys is None else None,
        _weak("INTERNAL_SECRET", settings.internal_secret) if settings.internal_secret is not None else None,
        _weak("AUDIT_KEY", settings.audit_key) if settings.enable_audit_logging else None,
        "FIELD_ENCRYPTION_KEYS: required in production" if settings.field_encryption_keys is None else None,
        "DJANGO_DEBUG: must be false in production" if settings.django_debug else None,
        "DJANGO_ALLOWED_HOSTS: `*` is refused in production; name the hosts"
        if "*" in settings.django_allowed_hosts
        else None,
        "DJANGO_ALLOWED_HOSTS: required in production" if "django_allowed_hosts" not in origins else None,
        "DATABASE_URL: production needs PostgreSQL, not SQLite" if not names_postgres(settings) else None,
        "DEMO_DATA: demo people are refused in production" if settings.demo_data else None,
        "METRICS_TOKEN: required in production when ENABLE_METRICS is on"
        if settings.enable_metrics and settings.metrics_token is None
        else None,
        "EMAIL_BACKEND: only smtp in production" if settings.email_backend not in {"auto", "smtp"} else None,
        "SMS_BACKEND: refused in production; no provider is built in yet" if settings.sms_backend != "auto" else None,
        f"POSTGRES_SSL_MODE: one of {', '.join(TLS_MODES)}"
        if settings.postgres_ssl_mode and settings.postgres_ssl_mode not in TLS_MODES
        else None,
    ]
    # By position: whoever forgot a colon wrote a secret where its name belongs.
    for position, secret in enumerate(_keys(settings.jwt_keys), start=1):
        faults.append(_weak(f"JWT_KEYS: key {position}", SecretStr(secret)))
    for position, key in enumerate(_field_keys(settings.field_encryption_keys), start=1):
        # 32 random bytes have some 30 different ones; a passphrase repeated or zeros have few.
        if len(set(key)) < 16:
            faults.append(f"FIELD_ENCRYPTION_KEYS: key {position}: 32 random bytes, not a word")
    return [fault for fault in faults if fault is not None]


def _weak(name: str, secret: SecretStr | None) -> str | None:
    if secret is None:
        return f"{name}: required in production"
    value = secret.get_secret_value()
    if value == DEVELOPMENT_SECRET:
        return f"{name}: the development default is refused in production"
    if len(value) < SHORTEST_SECRET or len(set(value)) < 8:
        return f"{name}: at least {SHORTEST_SECRET} unguessable characters in production"
    return None


def _keys(keys: SecretStr | None) -> list[str]:
    if keys is None:
        return []
    return [pair.partition(":")[2].strip() for pair in keys.get_secret_value().split(",")]


def _field_keys(keys: SecretStr | None) -> list[bytes]:
    """None where they cannot be read: that is a fault of its own, found in every environment."""
    try:
        return list(read_keys(keys.get_secret_value()).values()) if keys is not None else []
    except ValueError:
        return []
