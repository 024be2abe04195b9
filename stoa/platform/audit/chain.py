"""The arithmetic of the chain: keys, the bytes of a row, digests and macs. No database."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import orjson

from stoa.runtime.config.current import settings

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Keys:
    """The first seals, all verify. A key's id is derived from it and tells nothing about it."""

    first: str
    secrets: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Row:
    """What of a record the chain vouches for."""

    id: int
    at: datetime
    action: str
    actor_id: str
    object_type: str
    object_id: str
    org_id: str
    severity: str
    request_id: str
    digest: str


ROW_FIELDS = tuple(Row.__slots__)


def chain_keys() -> Keys:
    current = settings()
    secret = current.audit_key.get_secret_value() if current.audit_key else ""
    return _derive(secret, current.django_secret_key.get_secret_value())


@lru_cache(maxsize=4)
def _derive(audit_key: str, django_secret: str) -> Keys:
    secrets = [part.strip().encode() for part in audit_key.split(",") if part.strip()]
    if not secrets:
        secrets = [hmac.digest(django_secret.encode(), b"stoa audit chain", hashlib.sha256)]
    named = {hmac.digest(secret, b"key id", hashlib.sha256).hex()[:16]: secret for secret in secrets}
    return Keys(next(iter(named)), named)


def mac_of(row: Row, *, seq: int, previous: str, key: bytes) -> str:
    """HMAC-SHA256 over the mac before, the number and every field, as a JSON array: no two rows have the same bytes."""
    moment = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = [previous, seq, row.id, moment, row.action, row.actor_id, row.object_type, row.object_id, row.org_id]
    return sign([*fields, row.severity, row.request_id, row.digest], key=key)


def sign(fields: list[object], *, key: bytes) -> str:
    return hmac.digest(key, orjson.dumps(fields), hashlib.sha256).hex()


def digest_of(salt: str, payload: str) -> str:
    return hashlib.sha256(f"{salt}{payload}".encode()).hexdigest()
