"""Sessions that ended long ago."""

from datetime import timedelta

from stoa.apps.accounts.models import Session
from stoa.kit.clock import utc_now

KEPT_DAYS = 30
"""Past its expiry a session opens nothing; its row still answers who was signed in from where."""


def forget_old_sessions(*, limit: int) -> int:
    """Delete up to `limit` sessions that expired more than 30 days ago, oldest first; returns how many.

    A spent token of one deleted is refused as any unknown token is."""
    old = Session.objects.filter(expires_at__lt=utc_now() - timedelta(days=KEPT_DAYS)).order_by("expires_at")
    ids = list(old.values_list("pk", flat=True)[:limit])
    return Session.objects.filter(pk__in=ids).delete()[0]
