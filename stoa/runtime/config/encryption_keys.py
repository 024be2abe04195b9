"""The grammar of FIELD_ENCRYPTION_KEYS."""

import base64
import binascii
import re

KEY_BYTES = 32
DERIVED = "derived"
"""The kid of the key that is made of DJANGO_SECRET_KEY outside production; nobody else may use it."""
_KID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read_keys(text: str) -> dict[str, bytes]:
    """`kid:base64,...` as kid -> 32 bytes, in order. Raises ValueError, which never holds a key."""
    found: dict[str, bytes] = {}
    for pair in text.split(","):
        kid, _, value = pair.strip().partition(":")
        try:
            key = base64.b64decode(value.strip(), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("not base64") from None
        if not _KID.fullmatch(kid) or kid in found or kid == DERIVED or len(key) != KEY_BYTES:
            raise ValueError("a kid twice or of other signs, or not 32 bytes")
        found[kid] = key
    return found
