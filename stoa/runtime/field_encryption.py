"""Values encrypted for one place in the database: AES-256-GCM, bound to table, column and row.

A value copied to another row or column does not decrypt there. What is stored is `<kid>.<base64url(nonce, ciphertext,
tag)>`: the key's id in front, so that a row says by itself which key it needs.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stoa.runtime.config.current import settings
from stoa.runtime.config.encryption_keys import DERIVED, read_keys

_NONCE_BYTES = 12


class Undecryptable(Exception):
    """No key for it, another place's value, or changed by somebody without the key. Never holds the value."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value belongs; `row` is the primary key as text."""

    table: str
    column: str
    row: str

    @property
    def bytes(self) -> bytes:
        # JSON of the list, not a join: no two places have the same bytes.
        return orjson.dumps([self.table, self.column, self.row])


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class FieldKeys:
    """The first encrypts, all decrypt."""

    first: str
    ciphers: Mapping[str, AESGCM]


def encrypt(plain: bytes, place: Place) -> str:
    keys = _keys()
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = nonce + keys.ciphers[keys.first].encrypt(nonce, plain, place.bytes)
    return f"{keys.first}.{base64.urlsafe_b64encode(sealed).decode()}"


def decrypt(stored: str, place: Place) -> bytes:
    """Raises Undecryptable."""
    kid, _, text = stored.partition(".")
    cipher = _keys().ciphers.get(kid)
    if cipher is None:
        raise Undecryptable(f"{place.table}.{place.column}: its key is not in FIELD_ENCRYPTION_KEYS")
    try:
        sealed = base64.urlsafe_b64decode(text)
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.bytes)
    except (InvalidTag, ValueError):
        raise Undecryptable(f"{place.table}.{place.column}: not what was encrypted for this row") from None


def first_key_id() -> str:
    return _keys().first


def _keys() -> FieldKeys:
    current = settings()
    given = current.field_encryption_keys
    return _ciphers(
        given.get_secret_value() if given is not None else "",
        "" if current.in_production else current.django_secret_key.get_secret_value(),
    )


@lru_cache(maxsize=8)
def _ciphers(pairs: str, django_secret: str) -> FieldKeys:
    """Those of FIELD_ENCRYPTION_KEYS and, outside production, one derived from Django's secret behind them: equal in
    all processes, and what was written before there were keys can still be read."""
    found = read_keys(pairs) if pairs else {}
    if django_secret:
        found[DERIVED] = hmac.digest(django_secret.encode(), b"stoa field encryption", hashlib.sha256)
    return FieldKeys(next(iter(found)), {kid: AESGCM(key) for kid, key in found.items()})
