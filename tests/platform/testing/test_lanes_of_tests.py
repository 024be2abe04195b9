"""Each test belongs to exactly one lane, by its markers first and its place second."""

from pathlib import Path

import pytest

from stoa.platform.testing.lanes import LANES_OF_A_RUN, lane_of

ROOT = Path("/house")


@pytest.mark.parametrize(
    ("place", "markers", "lane"),
    [
        ("tests/kit/test_money.py", set(), "unit"),
        ("tests/runtime/test_loader.py", {"parametrize"}, "unit"),
        ("stoa/apps/accounts/tests/test_domain.py", set(), "unit"),
        ("stoa/apps/accounts/tests/test_services.py", set(), "processes"),
        ("stoa/apps/accounts/tests/test_services.py", {"django_db"}, "app"),
        ("tests/platform/http/test_pages.py", {"django_db"}, "app"),
        ("tests/runtime/test_redis_outage.py", {"redis"}, "postgres"),
        ("tests/runtime/test_long.py", {"slow"}, "processes"),
        ("tests/kit/test_rows.py", {"django_db"}, "app"),
        ("tests/races/test_register.py", {"race"}, "postgres"),
        ("tests/stories/test_two_people.py", {"story", "django_db"}, "postgres"),
        ("tests/project/test_landing.py", {"browser"}, "browser"),
        ("tests/project/test_start.py", {"byhand", "slow"}, "byhand"),
        ("tests/project/test_openapi.py", {"schemathesis", "postgres"}, "schemathesis"),
    ],
)
def test_the_lane_of_a_test(place: str, markers: set[str], lane: str) -> None:
    assert lane_of(ROOT / place, ROOT, markers) == lane


def test_every_lane_is_run_by_some_run() -> None:
    run = {lane for lanes in LANES_OF_A_RUN.values() for lane in lanes}
    assert run == {"unit", "processes", "app", "postgres", "browser", "byhand", "schemathesis", "tasks"}


@pytest.mark.parametrize("fixture", ["db", "transactional_db", "committed_db"])
def test_a_fixture_that_brings_the_database_makes_it_an_app_test(fixture: str) -> None:
    for place in ("tests/kit/test_rows.py", "tests/platform/test_rows.py"):
        assert lane_of(ROOT / place, ROOT, set(), ["tmp_path", fixture]) == "app"


def test_what_uses_the_database_runs_on_both_and_what_does_not_has_a_lane_of_its_own() -> None:
    runs = {
        lane: [run for run, lanes in LANES_OF_A_RUN.items() if lane in lanes] for lane in ("processes", "app", "unit")
    }
    assert runs == {"processes": ["processes"], "app": ["app-sqlite", "app-postgres"], "unit": ["unit"]}
