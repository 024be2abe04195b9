"""`make new-app` leaves a repository that lints and starts, or writes nothing and says why in one line."""

import re
from pathlib import Path

import pytest

from architecture.floors import app_floors, map_faults
from architecture.scratch import Scratch
from scripts.new_app import Refused, with_installed, with_layer


def _snapshot(root: Path) -> dict[str, bytes]:
    wanted = [root / ".importlinter", *(root / "stoa").rglob("*.py")]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in wanted}


@pytest.fixture(scope="module")
def grown(scratch: Scratch) -> Scratch:
    """One announced app, and one that nobody announced."""
    announced = scratch.new_app("media")
    assert announced.code == 0, announced.text
    unheard_of = scratch.new_app("weather_reports", "--floor", "media")
    assert unheard_of.code == 0, unheard_of.text
    assert "write an ADR" in unheard_of.text
    return scratch


def test_the_skeleton_has_only_files_with_content(grown: Scratch) -> None:
    folder = grown.root / "stoa" / "apps" / "weather_reports"
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")}
    assert written == {"__init__.py", "apps.py", "migrations/__init__.py"}
    assert all(path.read_text().strip() for path in folder.rglob("*.py"))


def test_its_line_stands_in_the_contract(grown: Scratch) -> None:
    floors = app_floors(grown.root)
    assert (floors["media"], floors["weather_reports"], floors["ledger"]) == (2, 3, 4)
    lines = {line.strip() for line in (grown.root / ".importlinter").read_text().splitlines()}
    assert {"media", "weather_reports", "ledger"} <= lines
    assert "(media)" not in lines


def test_the_map_is_reported_until_it_shows_the_new_floor(grown: Scratch) -> None:
    assert map_faults(grown.root) == ["docs/map.md: its order of the apps is not the one of .importlinter"]
    page = grown.root / "docs" / "map.md"
    page.write_text(page.read_text().replace("\n(media)\n", "\nweather_reports    what it will rain\nmedia\n"))
    assert map_faults(grown.root) == []


def test_the_contracts_and_the_style_hold(grown: Scratch) -> None:
    ran = grown.lint_imports()
    assert ran.code == 0, ran.text
    written = ("stoa/apps/media", "stoa/apps/weather_reports", "stoa/project/settings/apps.py")
    assert grown.run("-m", "ruff", "check", "--no-cache", *written).text == "All checks passed!"
    assert grown.run("-m", "ruff", "format", "--no-cache", "--check", *written).code == 0


def test_django_starts_with_it(grown: Scratch) -> None:
    ran = grown.run(
        "-c",
        "import django; django.setup(); from django.apps import apps; import stoa; "
        "print(stoa.__file__, [apps.get_app_config(n).name for n in ('media', 'weather_reports')])",
    )
    assert ran.text.endswith(f"{grown.root}/stoa/__init__.py ['stoa.apps.media', 'stoa.apps.weather_reports']")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "'' is no app name"),
        (["Media"], "'Media' is no app name"),
        (["two-words"], "'two-words' is no app name"),
        (["2fast"], "'2fast' is no app name"),
        (["class"], "'class' is no app name"),
        (["../evil"], "'../evil' is no app name"),
        (["n" * 31], "is no app name"),
        (["admin"], "'admin' is taken"),
        (["calendar"], "'calendar' is taken"),
        (["order_utils"], "'order_utils' says nothing"),
        (["accounts"], "stoa/apps/accounts exists already"),
        (["weather"], "weather has no floor in .importlinter: say FLOOR="),
        (["weather", "--floor", "cellar"], "FLOOR=cellar is no app of .importlinter"),
        (["moderation", "--floor", "accounts"], "moderation has its floor in .importlinter already"),
    ],
)
def test_a_bad_wish_is_refused_in_one_line_and_writes_nothing(
    arguments: list[str], said: str, scratch: Scratch
) -> None:
    before = _snapshot(scratch.root)
    ran = scratch.new_app(*arguments) if arguments else scratch.run("scripts/new_app.py")
    assert ran.code == 2
    assert re.match(r"new-app: ", ran.text)
    assert said in ran.text
    assert _snapshot(scratch.root) == before


def test_a_neighbour_on_a_shared_floor_keeps_its_place() -> None:
    contracts = "[importlinter:contract:apps]\nlayers =\n    (search) | (astrology)\n    accounts\nexhaustive = true\n"
    expected = "[importlinter:contract:apps]\nlayers =\n    (search) | astrology\n    accounts\nexhaustive = true\n"
    assert with_layer(contracts, "astrology", "") == expected


def test_files_it_does_not_understand_are_left_alone() -> None:
    with pytest.raises(Refused, match="no apps contract"):
        with_layer("[importlinter]\n", "media", "")
    with pytest.raises(Refused, match="lists no app"):
        with_installed("LOCAL_APPS = ()\n", "media", "MediaConfig")
