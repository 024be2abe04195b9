"""Who may connect and how fast they may speak: plain counting, one process, one thread."""

import ipaddress
import time
from collections import Counter


class Bucket:
    """So many a second, so many at once."""

    __slots__ = ("_at_s", "_left", "burst", "per_s")

    def __init__(self, *, per_s: float, burst: float) -> None:
        self.per_s, self.burst = per_s, burst
        self._left, self._at_s = burst, time.monotonic()

    def take(self) -> bool:
        self._fill()
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def wait_s(self, longest_s: float) -> float | None:
        """Take a place in the queue: the seconds until its turn, or None, and no place, beyond the longest."""
        self._fill()
        wait = (1 - self._left) / self.per_s
        if wait > longest_s:
            return None
        self._left -= 1
        return max(wait, 0.0)

    def _fill(self) -> None:
        now = time.monotonic()
        self._left = min(self.burst, self._left + (now - self._at_s) * self.per_s)
        self._at_s = now


class Places:
    """At most so many a key."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._taken: Counter[str] = Counter()

    def take(self, key: str) -> bool:
        if self._taken[key] >= self.most:
            return False
        self._taken[key] += 1
        return True

    def give_back(self, key: str) -> None:
        self._taken[key] -= 1
        if self._taken[key] <= 0:
            del self._taken[key]


def address_key(host: str) -> str:
    """One IPv4 address, or one /64 of IPv6, which is what one household gets."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
