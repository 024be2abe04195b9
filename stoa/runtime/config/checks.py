"""What no installation can run with: values that are text to pydantic and have a grammar of their own."""

import re
from typing import TYPE_CHECKING

from pydantic import SecretStr

from stoa.runtime.config.database_address import address_faults
from stoa.runtime.config.encryption_keys import read_keys
from stoa.runtime.telemetry import extras_missing

if TYPE_CHECKING:
    from stoa.runtime.config.model import Settings

_HTTP = ("http://", "https://")
_DSN = re.compile(r"https?://[^@/\s]+@[^/\s]+/\S+")
_REDIS = ("redis://", "rediss://", "unix://")


def faults_of(settings: "Settings") -> list[str]:
    """One sentence a fault. A value is never repeated."""
    faults = address_faults(settings)
    if settings.redis_url is not None and not settings.redis_url.get_secret_value().startswith(_REDIS):
        faults.append("REDIS_URL: redis://:password@host:port/number, rediss://... or unix://...")
    if settings.realtime_redis_url is not None and not settings.realtime_redis_url.get_secret_value().startswith(
        _REDIS
    ):
        faults.append("REALTIME_REDIS_URL: redis://:password@host:port/number, rediss://... or unix://...")
    faults.extend(
        f"{name}: http://host:port or https://host:port"
        for name, url in (("GATEWAY_URL", settings.gateway_url), ("PLATFORM_URL", settings.platform_url))
        if url is not None and not url.startswith(_HTTP)
    )
    if settings.jwt_keys is not None and not _are_keys(settings.jwt_keys.get_secret_value()):
        faults.append("JWT_KEYS: kid:secret pairs with commas between, each kid once")
    if settings.field_encryption_keys is not None and not _are_field_keys(settings.field_encryption_keys):
        faults.append("FIELD_ENCRYPTION_KEYS: kid:base64 pairs with commas between, each of 32 bytes, each kid once")
    if settings.otel_exporter_otlp_endpoint and not settings.otel_exporter_otlp_endpoint.startswith(_HTTP):
        faults.append("OTEL_EXPORTER_OTLP_ENDPOINT: http://host:port or https://host:port")
    if settings.sentry_dsn is not None and not _DSN.fullmatch(settings.sentry_dsn.get_secret_value()):
        faults.append("SENTRY_DSN: https://key@host/project, as Sentry shows it")
    faults.extend(extras_missing(settings))
    return faults


def _are_keys(text: str) -> bool:
    pairs = [pair.partition(":") for pair in text.split(",")]
    kids = [kid.strip() for kid, _, _ in pairs]
    return all(kids) and all(secret.strip() for _, _, secret in pairs) and len(set(kids)) == len(kids)


def _are_field_keys(keys: SecretStr) -> bool:
    try:
        return bool(read_keys(keys.get_secret_value()))
    except ValueError:
        return False
