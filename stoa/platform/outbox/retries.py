"""What a failed delivery becomes: due again later, or parked. Pure."""

from stoa.kit.errors import DomainError, Kind

FIRST_S = 1
LONGEST_S = 3600
LAST_ATTEMPT = 14
"""1 s doubling to an hour: a little over two hours in all."""
LONGEST_ASKED_S = 86_400
"""An upstream that asks for a longer pause is asked again after a day."""

_RETRIED = frozenset({Kind.CONFLICT, Kind.STALE, Kind.LIMITED, Kind.UPSTREAM, Kind.UNAVAILABLE})


AWAY_S = 1
"""Between tries while a part of the house is away."""


class Abandoned(Exception):
    """Every attempt ended without a word: the worker died, or the reaction outlived its lease each time."""


def waits(error: BaseException) -> bool:
    """A part of the house is away (Kind.UNAVAILABLE): no fault of the delivery, so no attempt counts and none is the
    last."""
    return isinstance(error, DomainError) and error.kind is Kind.UNAVAILABLE


def retry_after_s(attempts: int, error: BaseException) -> int | None:
    """Seconds until the next try after this many, None to park. A refusal that trying again cannot change is parked
    at once."""
    if attempts >= LAST_ATTEMPT:
        return None
    back_off_s = min(FIRST_S << (attempts - 1), LONGEST_S)
    if isinstance(error, DomainError):
        if error.kind not in _RETRIED:
            return None
        return max(back_off_s, min(error.retry_after_s or 0, LONGEST_ASKED_S))
    return back_off_s
