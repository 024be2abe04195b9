"""The order of the apps, read from the contract that enforces it: one list, never a second one to forget."""

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
