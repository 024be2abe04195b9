"""Counters, histograms and gauges of all processes together. Declared at import, written from anywhere.

Label values must come from a small set: a route's template and never a path, a task's name and never its arguments."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from prometheus_client.mmap_dict import mmap_key
from prometheus_client.utils import floatToGoString

from stoa.runtime.metrics_store import COUNTER, GAUGE, HISTOGRAM, current_store

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bounds of what people wait for."""


@dataclass(frozen=True, slots=True)
class CountSeries:
    """`name` without `_total`, which the exposition adds."""

    name: str
    description: str
    labels: tuple[str, ...] = ()
    _keys: dict[tuple[str, ...], str] = field(default_factory=dict)

    def inc(self, *values: str, by: float = 1) -> None:
        store = current_store()
        if store is None:
            return
        key = self._keys.get(values)
        if key is None:
            key = self._keys[values] = _key(self.name, "_total", self.labels, values, self.description)
        store.add(COUNTER, ((key, by),))


@dataclass(frozen=True, slots=True)
class GaugeSeries:
    """Each process puts its own value; the exposition has the sum over those that live."""

    name: str
    description: str
    labels: tuple[str, ...] = ()

    def put(self, value: float, *values: str) -> None:
        store = current_store()
        if store is not None:
            store.put(GAUGE, _key(self.name, "", self.labels, values, self.description), value)


@dataclass(frozen=True, slots=True)
class TimeSeries:
    """How long something took, in buckets of seconds."""

    name: str
    description: str
    labels: tuple[str, ...] = ()
    bounds: Sequence[float] = SECONDS
    _keys: dict[tuple[str, ...], tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    def observe(self, seconds: float, *values: str) -> None:
        store = current_store()
        if store is None:
            return
        keys = self._keys.get(values)
        if keys is None:
            keys = self._keys[values] = self._make_keys(values)
            # Buckets that nothing fell into yet must exist, or a quantile over them is none.
            store.add(HISTOGRAM, [(key, 0) for key in keys[1]])
        store.add(HISTOGRAM, ((keys[0], seconds), (keys[1][bisect_left(self.bounds, seconds)], 1)))

    def _make_keys(self, values: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        bounds = (*map(floatToGoString, self.bounds), "+Inf")
        buckets = tuple(
            _key(self.name, "_bucket", (*self.labels, "le"), (*values, bound), self.description) for bound in bounds
        )
        return _key(self.name, "_sum", self.labels, values, self.description), buckets


def _key(name: str, suffix: str, labels: tuple[str, ...], values: tuple[str, ...], description: str) -> str:
    if len(values) != len(labels):
        raise ValueError(f"{name} has the labels {labels}, and was given {len(values)} values")
    return str(mmap_key(name, name + suffix, list(labels), list(values), description))
