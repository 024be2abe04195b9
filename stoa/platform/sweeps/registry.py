"""Which sweeps there are. Declared in the `tasks.py` of the package whose rows they look after."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

type Sweeping = Callable[[int], int]
"""Do up to so many rows that are due; returns how many there were."""

BATCH = 500
LEASE_S = 60


@dataclass(frozen=True, slots=True)
class Declared:
    """One sweep as the code declares it."""

    name: str
    every_s: int
    batch: int
    lease_s: int
    run: Sweeping


_declared: dict[str, Declared] = {}


def sweep(name: str, *, every_s: int, batch: int = BATCH, lease_s: int = LEASE_S) -> Callable[[Sweeping], Sweeping]:
    """Declare a sweep `<app>.<what>`, run every `every_s` seconds by one process at a time.

    The function gets `batch`, does at most so many rows that are due and returns how many it did; when that is a full
    batch it is called again at once. It opens its own transactions. One call must end within `lease_s`, or another
    process may begin beside it. Raises ValueError for a name in use."""
    if every_s < 1 or batch < 1 or lease_s < 1:
        raise ValueError(f"{name}: every_s, batch and lease_s are at least 1")

    def declare(run: Sweeping) -> Sweeping:
        known = _declared.get(name)
        if known is not None and known.run.__module__ != run.__module__:
            raise ValueError(f"two sweeps are called {name}")
        _declared[name] = Declared(name, every_s, batch, lease_s, run)
        return run

    return declare


def declared() -> Mapping[str, Declared]:
    return _declared
