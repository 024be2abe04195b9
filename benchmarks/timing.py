"""The best of some rounds: what a call costs when nothing else is in its way."""

import time
from collections.abc import Callable

ROUNDS = 5


def microseconds(call: Callable[[], object], calls: int) -> float:
    """Microseconds a call, of the fastest round of `calls`."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(calls):
            call()
        best = min(best, time.perf_counter() - started)
    return best / calls * 1e6
