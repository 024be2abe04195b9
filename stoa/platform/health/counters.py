"""How often each probe was answered with which status, for the metrics page."""

from collections import Counter
from collections.abc import Mapping
from threading import Lock

_lock = Lock()
_counts: Counter[tuple[str, int]] = Counter()


def count_probe(path: str, status: int) -> None:
    with _lock:
        _counts[path, status] += 1


def probe_counts() -> Mapping[tuple[str, int], int]:
    """A copy, keyed by canonical path and status, of this process since it started."""
    with _lock:
        return dict(_counts)
