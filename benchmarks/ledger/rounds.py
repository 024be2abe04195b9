"""A client's side of a round, the same for ours and the peers: imports neither Stoa nor Django.

A client is a process of its own. Per line of standard input it prepares, says so, and at the next line posts until the
time is over; what it then prints is what it counted."""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

WARM_UP = 20
DEADLOCK = "40P01"

Act = Callable[[], int]
"""Posts, and says how many entries."""


def serve(prepared: Callable[[dict[str, Any]], Act]) -> None:
    """`prepared` makes the act of a round from what was asked: way, scene, seconds, entries (of an act), clients."""
    warm: set[str] = set()
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        act = prepared(asked)
        warmed, warming = 0, Counter[str]()
        if f"{asked['way']} {asked['scene']}" not in warm:
            warm.add(f"{asked['way']} {asked['scene']}")
            warmed, _, warming = _act_for(act, times=WARM_UP if asked["entries"] == 1 else 2)
        print("prepared", flush=True)
        sys.stdin.readline()
        began = time.perf_counter()
        done, took_ms, failed = _act_for(act, until=began + asked["seconds"])
        failed += warming
        told = {"done": done, "warmed": warmed, "seconds": time.perf_counter() - began, "ms": took_ms, "failed": failed}
        print(json.dumps(told), flush=True)


def _act_for(
    act: Act, *, until: float = float("inf"), times: int = sys.maxsize
) -> tuple[int, list[float], Counter[str]]:
    done, took_ms, failed = 0, [], Counter[str]()
    now = time.perf_counter()
    while now < until and times > 0:
        times -= 1
        try:
            done += act()
        except Exception as error:  # noqa: BLE001 - whatever a posting fails with is counted and shown
            state = getattr(error.__cause__ or error, "sqlstate", None)
            failed["deadlock" if state == DEADLOCK else type(error).__name__] += 1
        before, now = now, time.perf_counter()
        took_ms.append(round((now - before) * 1e3, 3))
    return done, took_ms, failed
