"""What readiness looks at, each with its own deadline on its own socket.

Never through Django's connections or its pool: a pool whose connections hang has nothing to lend, and a probe would
wait behind the requests that it should report on.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from stoa.platform.health.migrations import Key

APPLIED_MIGRATIONS = "SELECT app, name FROM django_migrations"

type Passed = Callable[[str], None]
type OnDisk = Callable[[], Mapping[Key, frozenset[Key]]]
type DatabaseSettings = Mapping[str, Any]
"""One entry of Django's DATABASES."""


class Check(Protocol):
    """`names` are the entries it answers for, in order. `run` calls `passed(name)` as each proves good and raises at
    the first that does not; it ends within `budget_s` and leaves no socket behind."""

    @property
    def names(self) -> tuple[str, ...]: ...

    async def run(self, passed: Passed, *, budget_s: float) -> None: ...
