"""Which lane a test belongs to, from its markers and its place. The lanes themselves run from scripts/test_lanes.py."""

from collections.abc import Collection
from pathlib import Path
from typing import Literal

type Lane = Literal["unit", "app", "postgres", "browser", "byhand", "schemathesis"]

_OWN_LANE: tuple[Lane, ...] = ("browser", "byhand", "schemathesis")
_POSTGRES_ONLY = frozenset({"race", "postgres", "redis", "story"})
_SLOW = frozenset({"slow", "django_db"})
_UNIT_FOLDERS = ("tests/kit", "tests/wire", "tests/runtime")


def lane_of(path: Path, root: Path, markers: Collection[str]) -> Lane:
    """`postgres` is the part of the app lane that runs only with PostgreSQL and Redis at hand."""
    for own in _OWN_LANE:
        if own in markers:
            return own
    if _POSTGRES_ONLY & set(markers):
        return "postgres"
    place = path.relative_to(root) if path.is_relative_to(root) else path
    in_unit_folder = any(place.is_relative_to(folder) for folder in _UNIT_FOLDERS)
    if (in_unit_folder or path.name == "test_domain.py") and not _SLOW & set(markers):
        return "unit"
    return "app"


LANES_OF_A_RUN: dict[str, tuple[Lane, ...]] = {
    "unit": ("unit",),
    "app-sqlite": ("app",),
    "app-postgres": ("app", "postgres"),
    "browser": ("browser",),
    "byhand": ("byhand",),
    "schemathesis": ("schemathesis",),
}
