"""Secrets that travel: in an invite, a reset, a verification, a one-time code.

Each is HMAC(server key, purpose | row id | nonce), so whoever sends it computes it again from its row and no event,
delivery or log has to hold it. The row keeps the nonce and a hash; neither gives the secret without the server's key,
which for six digits is what counts: a plain hash of those is found in a million tries.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from functools import lru_cache
from uuid import UUID

from stoa.kit.ids import parse_id
from stoa.runtime.config.current import settings

CODE_DIGITS = 6


def new_nonce() -> str:
    """32 hexadecimal digits. Another nonce is another secret; the old one is void."""
    return secrets.token_hex(16)


def make_token(*, purpose: str, row_id: UUID, nonce: str) -> str:
    """80 characters that are safe in a URL: the row's id, a dot, 256 bits. The same for the same arguments."""
    mac = urlsafe_b64encode(_mac("token", purpose, row_id, nonce)).decode().rstrip("=")
    return f"{row_id}.{mac}"


def make_code(*, purpose: str, row_id: UUID, nonce: str) -> str:
    """Six digits: only where the tries are counted."""
    number = int.from_bytes(_mac("code", purpose, row_id, nonce)) % 10**CODE_DIGITS
    return f"{number:0{CODE_DIGITS}d}"


def row_of(token: str) -> UUID | None:
    """Which row to look for; None for what is no token of ours. Proves nothing: compare with `matches`."""
    row, dot, mac = token.partition(".")
    return parse_id(row) if dot and mac and token.isascii() else None


def hash_of(secret: str, *, purpose: str, row_id: UUID) -> str:
    """64 hexadecimal digits, for the row."""
    return _mac("hash", purpose, row_id, secret).hex()


def matches(secret: str, stored_hash: str, *, purpose: str, row_id: UUID) -> bool:
    """In a time that does not tell how much of it was right. A secret of one purpose or row never fits another's."""
    return hmac.compare_digest(hash_of(secret, purpose=purpose, row_id=row_id).encode(), stored_hash.encode())


def _mac(kind: str, purpose: str, row_id: UUID, last: str) -> bytes:
    if "|" in purpose:
        raise ValueError("a purpose is a word without |")
    text = f"{kind}|{purpose}|{row_id.hex}|{last}"
    return hmac.digest(_key(settings().django_secret_key.get_secret_value()), text.encode(), hashlib.sha256)


@lru_cache(maxsize=8)
def _key(django_secret: str) -> bytes:
    return hmac.digest(django_secret.encode(), b"stoa travelling secrets", hashlib.sha256)
