"""From what was measured to figures with their goals. A peer that could not be measured is a goal missed."""

import statistics
from collections.abc import Iterator

from benchmarks.figures import Figure
from benchmarks.ledger.clients import Found, Measured
from benchmarks.ledger.reading import Read

PEERS = {"hordak": "django-hordak", "django_ledger": "django-ledger"}
SCENES = {"one": "one client", "cold": "8 clients, cold accounts", "hot": "8 clients on 2 hot accounts"}
OF_LIMIT = {"one": 0.7, "cold": 0.6, "hot": 0.7}
OF_HORDAK = {"cold": 2.5, "hot": 1.0}
P99_MS, BATCHED_A_SECOND, QUERIES = 50, 4000, 3
NOW_MS, AS_OF_MS, VERIFY_S, BYTES = 50, 250, 15, 800


def of_posting(found: Found, queries: int) -> Iterator[Figure]:
    for scene, name in SCENES.items():
        ours, limit, inside = (found[way, scene] for way in ("ours", "limit", "inside"))
        beside = [f"the bare function {_rate(limit)}", *_peers(found, scene)]
        told = f"p50 {ours.p50_ms:.2f} ms, p99 {ours.p99_ms:.1f}; {', '.join(beside)}"
        yield Figure(f"ledger, {name}: postings", ours.a_second, "/s", told)
        ratio, told = _round_by_round(ours, limit)
        yield _least(f"ledger, {name}: to the bare function", ratio, "x", told, OF_LIMIT[scene])
        if scene in OF_HORDAK:
            yield _to_hordak(found, scene, name)
        if scene == "hot":
            yield Figure(f"ledger, {name}: p99", ours.p99_ms, "ms", *_most(ours.p99_ms, P99_MS, _p99s(ours, limit)))
            yield _deadlocks(found, name)
        told = (
            f"{inside.a_second / ours.a_second:.2f} of those alone; p50 {inside.p50_ms:.2f} ms, p99 {inside.p99_ms:.1f}"
        )
        yield Figure(f"ledger, {name}: inside a caller's transaction", inside.a_second, "/s", told)
    one, eight = found["batch", "one"], found["batch", "cold"]
    told = f"p50 of a batch {one.p50_ms:.1f} ms; 8 clients {eight.a_second:,.0f}"
    yield _least("ledger, batches of 100, one client: entries", one.a_second, "/s", told, BATCHED_A_SECOND)
    failed = {name: each.failed for name, each in _ours(found) if each.failed}
    told = ", ".join(f"{name}: {dict(each)}" for name, each in failed.items())
    errors = sum(each.total() for each in failed.values())
    yield Figure("ledger, postings of ours that failed, all ways", errors, "", told, "0", errors == 0)
    yield Figure("ledger, queries of a posting", queries, "", *_most(queries, QUERIES))


def of_reading(read: Read) -> Iterator[Figure]:
    at = f"{read.entries:,} entries"
    accounts = f"{read.accounts} accounts"
    yield Figure(f"ledger, trial balance now, {at}", read.now_ms, "ms", *_most(read.now_ms, NOW_MS, accounts))
    as_of = f"half a year ago; checkpoints of all entries made in {read.counted_s:.1f} s"
    yield Figure(f"ledger, trial balance as of, {at}", read.as_of_ms, "ms", *_most(read.as_of_ms, AS_OF_MS, as_of))
    filled = f"no fault; filled and sealed in {read.filled_s:.0f} s"
    yield Figure(f"ledger, verify, {at}", read.verified_s, "s", *_most(read.verified_s, VERIFY_S, filled))
    each = sum(read.table_bytes.values()) / read.entries
    parts = ", ".join(f"{name} {size / read.entries:.0f}" for name, size in read.table_bytes.items())
    told = f"{parts}; {read.characters} characters of key, texts and ids"
    yield Figure("ledger, a two-line entry after VACUUM FULL", each, "bytes", *_most(each, BYTES, told))


def _round_by_round(ours: Measured, other: Measured) -> tuple[float, str]:
    """The median of the rounds' ratios, and each: a neighbour on the machine slows a round for both."""
    ratios = [mine / theirs for mine, theirs in zip(ours.rates, other.rates, strict=True)]
    return statistics.median(ratios), f"round by round {', '.join(f'{each:.2f}' for each in ratios)}"


def _p99s(ours: Measured, limit: Measured) -> str:
    each = ", ".join(f"{p99:.1f}" for p99 in ours.p99s)
    return f"round by round {each}; the bare function's {limit.p99_ms:.1f}"


def _ours(found: Found) -> Iterator[tuple[str, Measured]]:
    for (way, scene), measured in found.items():
        if way not in PEERS:
            yield f"{way} {scene}", measured


def _rate(measured: Measured) -> str:
    failed = f" ({measured.failed.total()} failed)" if measured.failed else ""
    return f"{measured.a_second:,.0f}{failed}"


def _peers(found: Found, scene: str) -> Iterator[str]:
    for way, name in PEERS.items():
        measured = found.get((way, scene))
        yield f"{name} {_rate(measured)}" if measured is not None else f"{name} not measured"


def _to_hordak(found: Found, scene: str, name: str) -> Figure:
    ours, hordak, least = found["ours", scene], found.get(("hordak", scene)), OF_HORDAK[scene]
    ratio, told = _round_by_round(ours, hordak) if hordak is not None else (0.0, "not measured")
    if hordak is not None:
        told = f"{told}; its p99 {hordak.p99_ms:.1f} ms"
    goal, met = (f">= {least}", ratio >= least) if least > 1 else ("> 1", ratio > 1)
    return Figure(f"ledger, {name}: to django-hordak", ratio, "x", told, goal, met)


def _deadlocks(found: Found, name: str) -> Figure:
    ours = sum(found[way, "hot"].failed["deadlock"] for way in ("ours", "limit", "inside"))
    told = ", ".join(f"{PEERS[way]} {found[way, 'hot'].failed['deadlock']}" for way in PEERS if (way, "hot") in found)
    return Figure(f"ledger, {name}: deadlocks", ours, "", told, "0", ours == 0)


def _least(what: str, value: float, unit: str, beside: str, goal: float) -> Figure:
    return Figure(what, value, unit, beside, f">= {goal:,}", value >= goal)


def _most(value: float, goal: float, beside: str = "") -> tuple[str, str, bool]:
    return beside, f"<= {goal}", value <= goal
