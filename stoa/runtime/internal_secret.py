"""The secret under which the platform and the gateway call each other."""

import hashlib
import hmac

from stoa.runtime.config.current import settings


def internal_secret() -> str:
    """INTERNAL_SECRET, else one derived from Django's secret, equal in all processes."""
    current = settings()
    if current.internal_secret is not None:
        return current.internal_secret.get_secret_value()
    return hmac.digest(current.django_secret_key.get_secret_value().encode(), b"stoa internal calls", "sha256").hex()


def knows_secret(authorization: str | None) -> bool:
    """Whether the Authorization header carries it; in the same time whatever it carries."""
    given = hashlib.sha256((authorization or "").encode("utf-8", "surrogateescape")).digest()
    expected = hashlib.sha256(f"Bearer {internal_secret()}".encode()).digest()
    return hmac.compare_digest(given, expected)
