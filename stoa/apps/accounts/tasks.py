"""What accounts does by the clock."""

from stoa.apps.accounts.services.old_sessions import forget_old_sessions
from stoa.platform.sweeps.registry import sweep


@sweep("accounts.old_sessions", every_s=3600)
def old_sessions(limit: int) -> int:
    return forget_old_sessions(limit=limit)
