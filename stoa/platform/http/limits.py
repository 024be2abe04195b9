"""Rate limits: what they are, who counts them, and the headers that tell the caller."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Self

from stoa.platform.http.limit_store import Bucket, Store
from stoa.platform.http.limit_store_fallback import FallbackStore
from stoa.platform.http.limit_store_memory import MemoryStore
from stoa.platform.http.limit_store_redis import RedisStore
from stoa.platform.redis import redis_client
from stoa.runtime.config.values import parse_rate

if TYPE_CHECKING:
    import redis

    from stoa.runtime.config.model import Settings

_LONGEST_PERIOD_S = 366 * 86_400
_MOST_DEBT_US = 10**15
"""Some 31 years: beside the present in microseconds it still fits a double exactly. A greater burst is cut to it."""


@dataclass(frozen=True)
class Limit:
    """`amount` requests in `period_s` seconds, refilled evenly, of which `burst` may come at once (0: all of them).

    An amount of 0 switches the limit off. The interval between two tokens is rounded up to a whole microsecond, so
    more than `amount` never pass (and no limit above a million a second). Two limits of one scope with different
    figures are two buckets; a changed figure starts with a full one. Raises ValueError for figures that mean nothing."""

    scope: str
    amount: int
    period_s: int
    burst: int = 0
    interval_us: int = field(init=False, repr=False, compare=False)
    tolerance_us: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.amount < 0 or self.burst < 0 or not 1 <= self.period_s <= _LONGEST_PERIOD_S:
            raise ValueError("a limit needs amount >= 0, burst >= 0 and a period of one second to a year")
        interval_us = -(-self.period_s * 1_000_000 // self.amount) if self.amount else 0
        burst = min(self.burst or self.amount, _MOST_DEBT_US // max(interval_us, 1))
        object.__setattr__(self, "burst", burst)
        object.__setattr__(self, "interval_us", interval_us)
        object.__setattr__(self, "tolerance_us", interval_us * burst)

    @classmethod
    def from_rate(cls, scope: str, rate: str, *, burst: int = 0) -> Self:
        """From text such as `120/min`; `0/min` is off. Raises ValueError."""
        amount, period_s = parse_rate(rate)
        return cls(scope, amount, period_s, burst)


@dataclass(frozen=True, slots=True)
class Verdict:
    """On the tightest of the limits asked. `limit` is what its full bucket holds (its burst), `remaining` what it
    still holds, `reset_s` the seconds until it is full again, `retry_after_s` 0 or, refused, until one token is there.
    `limit` 0: no limit applied."""

    allowed: bool
    limit: int
    remaining: int
    reset_s: int
    retry_after_s: int


_UNLIMITED = Verdict(allowed=True, limit=0, remaining=0, reset_s=0, retry_after_s=0)


class Limiter:
    def __init__(self, store: Store) -> None:
        self._store = store

    @classmethod
    def over(cls, client: "redis.Redis | None") -> Self:
        """Counting in Redis with the process as its stand-in; without a client in the process alone."""
        return cls(MemoryStore() if client is None else FallbackStore(RedisStore(client), MemoryStore()))

    def take(self, limits: Sequence[Limit], *, subject: str) -> Verdict:
        """Spend one request of `subject` from all limits, or from none if one refuses. One Redis round trip.

        Never fails: Redis away means counting in the process (FallbackStore)."""
        # The braces keep all buckets of one caller on one node of a Redis cluster, which one script demands.
        tag = "{" + hashlib.blake2b(subject.encode(errors="surrogatepass"), digest_size=16).hexdigest() + "}"
        asked = {
            f"{limit.scope}:{limit.amount}/{limit.period_s}/{limit.burst}:{tag}": limit
            for limit in limits
            if limit.amount
        }
        if not asked:
            return _UNLIMITED
        buckets = [Bucket(key, limit.interval_us, limit.tolerance_us) for key, limit in asked.items()]
        spending = self._store.spend(buckets)
        verdicts = [
            _verdict(limit, debt_us, refused=not spending.allowed)
            for limit, debt_us in zip(asked.values(), spending.debts_us, strict=True)
        ]
        return min(verdicts, key=lambda one: (one.allowed, -one.retry_after_s, one.remaining, -one.reset_s))


def _verdict(limit: Limit, debt_us: int, *, refused: bool) -> Verdict:
    """Of one limit; in a refused request those that would have let it pass are `allowed`."""
    room_us = limit.tolerance_us - debt_us
    stops = refused and room_us < limit.interval_us
    return Verdict(
        allowed=not stops,
        limit=limit.burst,
        remaining=room_us // limit.interval_us,
        reset_s=_seconds(debt_us),
        retry_after_s=_seconds(limit.interval_us - room_us) if stops else 0,
    )


def _seconds(us: int) -> int:
    """Rounded up: who waits that long has waited long enough."""
    return -(-us // 1_000_000)


def limit_headers(verdict: Verdict) -> dict[str, str]:
    """Seconds throughout; Retry-After only on a refusal; nothing when no limit applied."""
    if not verdict.limit:
        return {}
    headers = {
        "RateLimit-Limit": str(verdict.limit),
        "RateLimit-Remaining": str(verdict.remaining),
        "RateLimit-Reset": str(verdict.reset_s),
    }
    if not verdict.allowed:
        headers["Retry-After"] = str(verdict.retry_after_s)
    return headers


def global_limits(settings: "Settings", *, signed_in: bool) -> tuple[Limit, ...]:
    """RATE_LIMIT_PER_MINUTE and the default rate of a signed-in or an anonymous caller; what is 0 is left out."""
    return _global_limits(
        settings.rate_limit_per_minute,
        settings.rate_limit_burst,
        "user" if signed_in else "anon",
        settings.throttle_user_rate if signed_in else settings.throttle_anon_rate,
    )


@lru_cache(maxsize=32)
def _global_limits(per_minute: int, burst: int, scope: str, rate: str) -> tuple[Limit, ...]:
    limits = (Limit("global", per_minute, 60, burst), Limit.from_rate(scope, rate))
    return tuple(limit for limit in limits if limit.amount)


def limit_subject(*, user_id: str, address: str) -> str:
    """Whom a limit counts: the user, or the address of an anonymous caller. The prefix keeps the two kinds apart."""
    return f"user:{user_id}" if user_id else f"address:{address}"


_limiters: dict[int, Limiter] = {}
"""By process id, so that a forked child starts afresh with a lock that nobody holds. setdefault is atomic."""


def own_limiter() -> Limiter:
    """The one limiter of this process, over `settings().redis_address` if that is set."""
    return _limiters.get(os.getpid()) or _limiters.setdefault(os.getpid(), Limiter.over(redis_client()))


def forget_own_limiter() -> None:
    """Forget the limiter and what it counted in this process; buckets in Redis stay."""
    _limiters.pop(os.getpid(), None)
