"""Buckets in this process, for an installation without Redis and for the time that Redis is away."""

import heapq
import threading
import time
from collections.abc import Callable, Sequence

from stoa.platform.http.limit_store import Bucket, Spending

MAX_BUCKETS = 50_000
"""About 10 MB. The sweep at this size holds the lock for some 20 ms, once in 5,000 new callers."""


def monotonic_us() -> int:
    return time.monotonic_ns() // 1_000


class MemoryStore:
    """Exact under threads (one lock), bounded in memory: full buckets go first, then those that are nearest to full."""

    def __init__(self, *, clock_us: Callable[[], int] = monotonic_us, max_buckets: int = MAX_BUCKETS) -> None:
        self._clock_us = clock_us
        self._max_buckets = max_buckets
        self._full_at: dict[str, int] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._full_at)

    def spend(self, buckets: Sequence[Bucket]) -> Spending:
        with self._lock:
            now = self._clock_us()
            debts = [max(self._full_at.get(bucket.key, now) - now, 0) for bucket in buckets]
            if any(debt + b.interval_us > b.tolerance_us for debt, b in zip(debts, buckets, strict=True)):
                return Spending(False, debts)
            debts = [debt + bucket.interval_us for debt, bucket in zip(debts, buckets, strict=True)]
            for debt, bucket in zip(debts, buckets, strict=True):
                self._full_at[bucket.key] = now + debt
            if len(self._full_at) > self._max_buckets:
                self._evict(now)
            return Spending(True, debts)

    def _evict(self, now: int) -> None:
        """Down to nine tenths, so that the sweep is paid once in many insertions."""
        owing = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        surplus = len(owing) - self._max_buckets * 9 // 10
        if surplus > 0:
            for key in heapq.nsmallest(surplus, owing, key=owing.__getitem__):
                del owing[key]
        self._full_at = owing
