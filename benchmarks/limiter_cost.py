"""What one `Limiter.take` costs, beside the bare round trips that it cannot be cheaper than.

    python -m benchmarks.limiter_cost        REDIS_URL's server is used if it is set, else localhost:6379/15

Microseconds, the best of five rounds; in each round the measured things take turns, so that a busy machine
slows all of them alike.
"""

import time
from collections.abc import Callable

from stoa.platform.http.limit_store_memory import MemoryStore
from stoa.platform.http.limit_store_redis import RedisStore
from stoa.platform.http.limits import Limit, Limiter
from stoa.platform.redis import connect
from stoa.runtime.config.current import settings

ROUNDS = 5
CALLS = 2_000


def _us(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - start) / CALLS * 1e6


def measure(*, rounds: int = ROUNDS) -> dict[str, float]:
    """Microseconds a call, by name. The keys in Redis expire by themselves. Raises redis.RedisError without a Redis."""
    client = connect(settings().redis_address or "redis://localhost:6379/15")
    bare = client.script_load("return {1, 2}")
    shared = Limiter(RedisStore(client, prefix="stoa:bench:limit:"))
    fallback = Limiter.over(client)
    local = Limiter(MemoryStore())
    # Wide enough never to refuse, short enough for the keys to be gone in a second.
    one = [Limit("bench", 1_000_000, 1)]
    two = [*one, Limit("bench_global", 500_000, 1)]
    calls: dict[str, Callable[[], object]] = {
        "redis_ping": client.ping,
        "redis_bare_evalsha": lambda: client.evalsha(bare, 1, "stoa:bench:none", "1", "2"),
        "take_redis_1_limit": lambda: shared.take(one, subject="bench"),
        "take_redis_2_limits": lambda: shared.take(two, subject="bench"),
        "take_redis_with_fallback_2_limits": lambda: fallback.take(two, subject="bench"),
        "take_memory_1_limit": lambda: local.take(one, subject="bench"),
        "take_memory_2_limits": lambda: local.take(two, subject="bench"),
    }
    best: dict[str, float] = {}
    for _ in range(rounds):
        for name, call in calls.items():
            best[name] = min(_us(call), best.get(name, float("inf")))
    client.close()
    return best


if __name__ == "__main__":
    for name, us in measure().items():
        print(f"{name:36} {us:8.1f} us")
