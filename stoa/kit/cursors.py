"""Opaque page cursors, signed over everything that gives the position its meaning.

A cursor is `base64url(json position) . base64url(HMAC-SHA256, 16 bytes)`. The signature covers the position and the
scope (route, sort, filters, user, organization), so a cursor from another list or another person does not verify.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence

type Position = tuple[str | int, ...]

_SIGNATURE_BYTES = 16
_LONGEST = 1024


class BadCursor(ValueError):
    """Tampered with, truncated, or made for another list or person."""


def sign_cursor(position: Position, *, scope: Sequence[str], key: bytes) -> str:
    payload = _encode(json.dumps(position, separators=(",", ":")).encode())
    return f"{payload}.{_signature(payload, scope, key)}"


def read_cursor(cursor: str, *, scope: Sequence[str], key: bytes) -> Position:
    """The position inside. Raises BadCursor."""
    payload, _, signature = cursor.partition(".")
    if len(cursor) > _LONGEST or not cursor.isascii():
        raise BadCursor
    if not hmac.compare_digest(signature, _signature(payload, scope, key)):
        raise BadCursor
    return tuple(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


def _signature(payload: str, scope: Sequence[str], key: bytes) -> str:
    # JSON of the list, not a join: ("a", "b|c") and ("a|b", "c") must not be one scope.
    message = json.dumps([payload, *scope], ensure_ascii=True).encode()
    return _encode(hmac.digest(key, message, hashlib.sha256)[:_SIGNATURE_BYTES])


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
