"""What accounts does by the clock."""

from stoa.apps.accounts.services.erasure import erase_due
from stoa.apps.accounts.services.exports import forget_exports
from stoa.apps.accounts.services.lockout import forget_old_attempts
from stoa.apps.accounts.services.mailed_secrets import forget_secrets
from stoa.apps.accounts.services.old_sessions import forget_old_sessions
from stoa.apps.accounts.services.one_time_codes import forget_codes
from stoa.apps.accounts.services.second_step import forget_old_steps
from stoa.apps.accounts.services.social import forget_old_codes
from stoa.platform.sweeps.registry import sweep


@sweep("accounts.old_sessions", every_s=3600)
def old_sessions(limit: int) -> int:
    return forget_old_sessions(limit=limit)


@sweep("accounts.old_social_codes", every_s=600)
def old_social_codes(limit: int) -> int:
    return forget_old_codes(limit=limit)


@sweep("accounts.old_exports", every_s=3600)
def old_exports(limit: int) -> int:
    return forget_exports(limit=limit)


@sweep("accounts.erase_due", every_s=60, batch=20)
def erase(limit: int) -> int:
    return erase_due(limit=limit)


@sweep("accounts.old_attempts", every_s=300)
def old_attempts(limit: int) -> int:
    return forget_old_attempts(limit=limit)


@sweep("accounts.old_steps", every_s=300)
def old_steps(limit: int) -> int:
    return forget_old_steps(limit=limit)


@sweep("accounts.old_secrets", every_s=600)
def old_secrets(limit: int) -> int:
    return forget_secrets(limit=limit)


@sweep("accounts.old_codes", every_s=600)
def old_codes(limit: int) -> int:
    return forget_codes(limit=limit)
