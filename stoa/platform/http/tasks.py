"""Looks after the one table of platform/http."""

from stoa.platform.http.idempotency import sweep_expired
from stoa.platform.sweeps.registry import sweep


@sweep("http.idempotency", every_s=60)
def expired_idempotency(limit: int) -> int:
    return sweep_expired(limit)
