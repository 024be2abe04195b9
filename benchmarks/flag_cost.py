"""What asking for a flag costs, in microseconds: `python -m benchmarks.flag_cost`.

Per-cent roll-out is the dearest way to an answer: the row, a hash, a comparison. Beside it the hash alone and a
look into a dict. Best of several rounds: the disturbance of a shared machine is never negative."""

from collections.abc import Callable
from itertools import cycle

from benchmarks.timing import microseconds
from stoa.platform.flags.declared import declare
from stoa.platform.flags.public import is_on
from stoa.platform.flags.rows import Snapshot
from stoa.platform.flags.rules import Rule, Subject, share_of
from stoa.platform.flags.watch import Watch, replace_watch


def measure(*, calls: int) -> dict[str, float]:
    """Microseconds a call, by name. Needs Django; touches no database."""
    flag = declare("bench_rollout", description="Asked for by the benchmark.")
    plain = declare("bench_default", description="Asked for by the benchmark, and without a row.")
    rule = Rule(True, 50, frozenset({"u"}), frozenset({"o"}), frozenset(), None)
    watch = Watch(read=lambda known: Snapshot({flag.name: rule}, (1, 1)), keep=lambda names: None)
    previous = replace_watch(watch)
    subjects = cycle([Subject(f"0194f5a2-7c3e-7b1a-9c55-{number:012d}") for number in range(1000)])
    rules = {flag.name: rule}
    asked: dict[str, Callable[[], object]] = {
        "per cent": lambda: is_on(flag, next(subjects)),
        "no row": lambda: is_on(plain),
        "hash alone": lambda: share_of(flag.name, next(subjects).user_id),
        "a look into a dict": lambda: rules.get(flag.name),
    }
    try:
        is_on(flag)
        return {name: microseconds(call, calls) for name, call in asked.items()}
    finally:
        watch.stop()
        replace_watch(previous)


if __name__ == "__main__":
    import django

    django.setup()
    for what, us in measure(calls=20_000).items():
        print(f"{what:20} {us:8.2f} us")
