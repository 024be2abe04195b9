"""The order of the apps, read from the contract that enforces it: one list, never a second one to forget."""

import re
from configparser import ConfigParser
from pathlib import Path


def app_floors(root: Path) -> dict[str, int]:
    """App name -> floor, 0 at the ground; apps that share a floor are strangers. Announced apps are included."""
    contracts = ConfigParser()
    contracts.read(root / ".importlinter", encoding="utf-8")
    lines = contracts["importlinter:contract:apps"]["layers"].strip().splitlines()
    floors = {}
    for number, line in enumerate(reversed(lines)):
        for name in line.split("|"):
            floors[name.strip().strip("()")] = number
    return floors


def map_faults(root: Path) -> list[str]:
    """The page that newcomers read shows the floors that the contract enforces, in the same order."""
    floors = app_floors(root)
    enforced: dict[int, set[str]] = {}
    for name, number in floors.items():
        enforced.setdefault(number, set()).add(name)
    text = (root / "docs" / "map.md").read_text(encoding="utf-8")
    drawn = re.search(r"^## Order of the apps.*?^```\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    lines = drawn[1].splitlines() if drawn else []
    # Two spaces end the names of a floor and begin the words about them.
    shown = [set(re.findall(r"\w+", re.split(r"  +", line)[0])) for line in lines]
    expected = [enforced[number] for number in sorted(enforced, reverse=True)]
    return [] if shown == expected else ["docs/map.md: its order of the apps is not the one of .importlinter"]
