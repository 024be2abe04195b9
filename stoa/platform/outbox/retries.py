"""What a failed delivery becomes: due again later, or parked. Pure."""

from stoa.kit.errors import DomainError, Kind

FIRST_S = 1
LONGEST_S = 3600
LAST_ATTEMPT = 14
"""1 s doubling to an hour, then one more hour: a little over three hours in all."""

_RETRIED = frozenset({Kind.CONFLICT, Kind.STALE, Kind.LIMITED, Kind.UPSTREAM, Kind.UNAVAILABLE})


def retry_after_s(attempts: int, error: BaseException) -> int | None:
    """Seconds until the next try after this many, None to park. A refusal that trying again cannot change is parked
    at once."""
    if isinstance(error, DomainError):
        if error.kind not in _RETRIED:
            return None
        if error.retry_after_s is not None and attempts < LAST_ATTEMPT:
            return max(error.retry_after_s, _back_off_s(attempts))
    return None if attempts >= LAST_ATTEMPT else _back_off_s(attempts)


def _back_off_s(attempts: int) -> int:
    return int(min(FIRST_S << min(attempts - 1, 20), LONGEST_S))
