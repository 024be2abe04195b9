"""Which groups a person is in: a port, asked at most every two seconds about one person."""

import time
from typing import Protocol
from uuid import UUID

KEPT_S = 2.0
_MOST = 4096


class GroupsOf(Protocol):
    """The names of the groups that a person is in. Asked only for a flag that names groups."""

    def __call__(self, user_id: UUID) -> frozenset[str]: ...


def _no_groups(user_id: UUID) -> frozenset[str]:
    return frozenset()


class _Ports:
    groups_of: GroupsOf = staticmethod(_no_groups)


_kept: dict[str, tuple[float, frozenset[str]]] = {}


def register_groups(port: GroupsOf) -> None:
    _kept.clear()
    _Ports.groups_of = staticmethod(port)


def groups_of(user_id: str) -> frozenset[str]:
    """Of the person with this id; one call of the port at most every KEPT_S."""
    now = time.monotonic()
    kept = _kept.get(user_id)
    if kept is not None and kept[0] > now:
        return kept[1]
    found = _Ports.groups_of(UUID(user_id))
    if len(_kept) >= _MOST:
        _kept.clear()
    _kept[user_id] = now + KEPT_S, found
    return found
