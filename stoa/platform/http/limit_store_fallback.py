"""Redis when it answers, this process when it does not: a limit must neither break a request nor vanish."""

import threading
import time
from collections.abc import Callable, Sequence

from stoa.platform.http.limit_store import Bucket, Spending, Store, StoreDown
from stoa.runtime.logs import get_logger

RETRY_AFTER_S = 2.0

log = get_logger(__name__)


class FallbackStore:
    """Asks `shared`; after a failure counts in `local` and lets one request in `retry_after_s` try `shared` again.

    So a Redis that hangs costs its socket timeout once to the requests in flight and then to one request in two
    seconds. Buckets start full on the other side: nothing is copied, and a limit may be spent once more at the switch.
    One warning an outage, one line on recovery. Never raises StoreDown unless `local` does."""

    def __init__(
        self,
        shared: Store,
        local: Store,
        *,
        retry_after_s: float = RETRY_AFTER_S,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shared = shared
        self._local = local
        self._retry_after_s = retry_after_s
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._down = False
        self._retry_at = 0.0
        # Counts the switches: a slow failure from before the latest one says nothing about the present.
        self._epoch = 0

    def spend(self, buckets: Sequence[Bucket]) -> Spending:
        epoch = self._epoch
        if self._down and not self._may_try():
            return self._local.spend(buckets)
        try:
            spending = self._shared.spend(buckets)
        except StoreDown as fault:
            self._mark_down(epoch, str(fault))
            return self._local.spend(buckets)
        if self._down:
            self._mark_up(epoch)
        return spending

    def _may_try(self) -> bool:
        with self._lock:
            if self._clock_s() < self._retry_at:
                return False
            self._retry_at = self._clock_s() + self._retry_after_s
            return True

    def _mark_down(self, epoch: int, fault: str) -> None:
        with self._lock:
            if epoch != self._epoch:
                return
            self._retry_at = self._clock_s() + self._retry_after_s
            if self._down:
                return
            self._down = True
            self._epoch += 1
        log.warning("rate limits: Redis failed, each process counts for itself", fault=fault)

    def _mark_up(self, epoch: int) -> None:
        with self._lock:
            if epoch != self._epoch or not self._down:
                return
            self._down = False
            self._epoch += 1
        log.info("rate limits: Redis is back, limits are shared again")
