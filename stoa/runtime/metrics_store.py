"""The figures that all processes of an installation share: one mapped file a kind in the slot of each.

The library's own several-process mode reads the environment at import and names files by process id, so that a scrape
grows with every restart; here its files and its way to add them up are used, and slots name them. Metrics that are off
have no store, and a figure is then forgotten at the cost of one look."""

import json
import os
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from prometheus_client.metrics_core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from stoa.runtime.metrics_slots import Slot, exclusively, living_slots, take_slot
from stoa.runtime.process import role

LAYOUT = "1"
"""Part of the folder's name: a release that changes names of labels or bounds of buckets raises it."""
COUNTER, HISTOGRAM, GAUGE = "counter", "histogram", "gauge_livesum"
_KINDS = (COUNTER, HISTOGRAM, GAUGE)


class File(Protocol):
    """What is used of the library's mapped dictionary, with the types it does not state."""

    def read_value(self, key: str) -> tuple[float, float]: ...
    def write_value(self, key: str, value: float, timestamp: float) -> None: ...
    def close(self) -> None: ...


_mapped: Callable[[str], File] = MmapedDict
_values: Callable[[str], Iterable[tuple[str, float, float, int]]] = MmapedDict.read_all_values_from_file
_merged: Callable[[list[str]], Iterable[Metric]] = MultiProcessCollector.merge


class Store:
    """The share of this process, opened when its first figure is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / LAYOUT
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._slot: Slot | None = None
        self._files: Mapping[str, File] = {}

    def add(self, kind: str, amounts: Iterable[tuple[str, float]]) -> None:
        """Add to several values of one kind, as one: no scrape by this process sees half of it."""
        with self._lock:
            file = self._opened()[kind]
            for key, amount in amounts:
                file.write_value(key, file.read_value(key)[0] + amount, 0.0)

    def put(self, kind: str, key: str, value: float) -> None:
        with self._lock:
            self._opened()[kind].write_value(key, value, 0.0)

    def close(self) -> None:
        """The slot is free for another; what was written stays."""
        with self._lock:
            for file in self._files.values():
                file.close()
            self._files = {}
            if self._slot is not None:
                self._slot.let_go()
            self._slot = None

    def collect(self) -> tuple[Iterable[Metric], Mapping[int, str]]:
        """All processes' figures added up, and the role of each slot that lives.

        What a dead process counted stays counted; its gauges are gone with it."""
        with exclusively(self.folder):
            living = living_slots(self.folder)
            files = [str(path) for path in sorted(self.folder.glob("*.db"))]
        counted = [path for path in files if not _is_gauge(path) or _slot_of(path) in living]
        return _merged(counted), living

    def _opened(self) -> Mapping[str, File]:
        if self._slot is None:
            with exclusively(self.folder):
                self._slot = take_slot(self.folder, role())
                (self.folder / f"{GAUGE}_{self._slot.number}.db").unlink(missing_ok=True)
                self._files = {kind: _open(self.folder / f"{kind}_{self._slot.number}.db") for kind in _KINDS}
        return self._files


def _open(path: Path) -> File:
    """A file that a crash of the machine left unreadable is begun anew: figures are worth less than a start."""
    if path.exists() and not _is_sound(path):
        path.unlink()
    return _mapped(str(path))


def _is_sound(path: Path) -> bool:
    content = path.read_bytes()
    try:
        (used,) = struct.unpack_from("i", content)
        return used == 0 or (8 <= used <= len(content) and all(json.loads(value[0]) for value in _values(str(path))))
    except (RuntimeError, ValueError, struct.error):
        return False


def _is_gauge(path: str) -> bool:
    return Path(path).name.startswith(GAUGE)


def _slot_of(path: str) -> int:
    return int(Path(path).stem.rpartition("_")[2])


class StoreCollector(Collector):
    """What a scrape adds to the registry: the shared figures, and how many processes there are by role."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def collect(self) -> Iterable[Metric]:
        merged, living = self.store.collect()
        yield from merged
        processes = Metric("stoa_processes", "Living processes that count something, by role.", "gauge")
        for name in sorted(set(living.values())):
            processes.add_sample("stoa_processes", {"role": name}, list(living.values()).count(name))
        yield processes


_stores: list[Store] = []


def current_store() -> Store | None:
    return _stores[-1] if _stores else None


def use_store(store: Store | None) -> None:
    """Count into this one from now on; None counts nothing. The one in force before is closed."""
    for previous in _stores:
        previous.close()
    _stores[:] = [store] if store is not None else []


def _after_fork() -> None:
    """A child has inherited its parent's slot and files; it lets them be and takes a slot of its own."""
    for index, inherited in enumerate(_stores):
        _stores[index] = Store(inherited.folder.parent)
        if inherited._slot is not None:
            inherited._slot.let_go()


os.register_at_fork(after_in_child=_after_fork)
