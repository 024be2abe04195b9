"""Which lane a test belongs to, from its markers and its place. The lanes themselves run from scripts/test_lanes.py."""

from collections.abc import Collection
from pathlib import Path
from typing import Literal

type Lane = Literal["unit", "processes", "app", "postgres", "browser", "byhand", "schemathesis", "tasks"]

_OWN_LANE: tuple[Lane, ...] = ("browser", "byhand", "schemathesis", "tasks")
_POSTGRES_ONLY = frozenset({"race", "postgres", "redis", "story"})
_DATABASE = frozenset({"django_db", "db", "transactional_db", "committed_db", "django_db_setup"})
_UNIT_FOLDERS = ("tests/kit", "tests/wire", "tests/runtime")


def lane_of(path: Path, root: Path, markers: Collection[str], fixtures: Collection[str] = ()) -> Lane:
    """`app` runs on every database, `postgres` only with PostgreSQL and Redis at hand, `processes` uses no database of
    the run at all, but processes, files and sockets of its own: a second time it could only say the same."""
    for own in _OWN_LANE:
        if own in markers:
            return own
    if _POSTGRES_ONLY & set(markers):
        return "postgres"
    place = path.relative_to(root) if path.is_relative_to(root) else path
    if _DATABASE & {*markers, *fixtures}:
        return "app"
    in_unit_folder = any(place.is_relative_to(folder) for folder in _UNIT_FOLDERS)
    return "unit" if (in_unit_folder or path.name == "test_domain.py") and "slow" not in markers else "processes"


LANES_OF_A_RUN: dict[str, tuple[Lane, ...]] = {
    "unit": ("unit",),
    "processes": ("processes",),
    "app-sqlite": ("app",),
    "app-postgres": ("app", "postgres"),
    "browser": ("browser",),
    "byhand": ("byhand",),
    "schemathesis": ("schemathesis",),
    "tasks": ("tasks",),
}
