"""known_failures.toml, community_failures.toml and money_failures.toml: every failure seen in comparable backends is mapped to tests that fail on it.

A failure of a part that is not built names the path that will bring it (`waits_for`); once that path is there the map is at
fault until a test is named. Where the reference stands beside the checkout, its sentences and the map's must be the same.
"""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAP = "architecture/known_failures.toml"
COMMUNITY_MAP = "architecture/community_failures.toml"
REFERENCE = "../shared/reference/known-failures.md"
MONEY_MAP = "architecture/money_failures.toml"
CASES = "../shared/reference/community-failures.md"
MONEY_ROWS = "../shared/reference/money-failures.md"
_TITLES = {"identity": "Identity", "http": "HTTP", "logs": "Logs and operations"}
_LIST_OF_CAUSES = "500 for: "
_CASE = re.compile(r"^\| [\d, ]+ \| ([^|]+) \|", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Failure:
    area: str
    text: str
    tests: tuple[str, ...]
    waits_for: str
    map: str = MAP

    @property
    def name(self) -> str:
        return f"{self.map} [{self.area}] {self.text!r}"


def unmapped_failures(root: Path) -> list[str]:
    failures, community, money = _read(root, MAP), _read(root, COMMUNITY_MAP), _read(root, MONEY_MAP)
    faults = [fault for failure in (*failures, *community, *money) for fault in _of_failure(root, failure)]
    reference, cases = root / REFERENCE, root / CASES
    if reference.is_file():
        faults += reference_faults(failures, reference.read_text(encoding="utf-8"))
    if reference.is_file() and cases.is_file():
        text = reference.read_text(encoding="utf-8")
        faults += community_faults(community, text, cases.read_text(encoding="utf-8"))
    rows = root / MONEY_ROWS
    if reference.is_file() and rows.is_file():
        text = reference.read_text(encoding="utf-8")
        faults += money_faults(money, text, rows.read_text(encoding="utf-8"))
    return faults


def reference_faults(failures: list[Failure], reference: str) -> list[str]:
    """What the reference says and the map does not, and the other way round."""
    faults = []
    for area, title in _TITLES.items():
        faults += _differences(MAP, area, set(_sentences(reference, title)), failures)
    return faults


def community_faults(failures: list[Failure], reference: str, cases: str) -> list[str]:
    """The same for the cases of the table, and for the clauses of one part of the reference."""
    said = {case.strip() for case in _CASE.findall(cases)}
    clauses = {
        clause.strip().rstrip(".")
        for sentence in _sentences(reference, "Community and realtime")
        for clause in sentence.split(";")
    }
    return [
        *_differences(COMMUNITY_MAP, "cases", said, failures),
        *_differences(COMMUNITY_MAP, "community", clauses, failures),
    ]


def money_faults(failures: list[Failure], reference: str, rows: str) -> list[str]:
    """The same for what the money path must survive, and for the sentences of one part of the reference."""
    return [
        *_differences(MONEY_MAP, "rows", {row.strip() for row in _CASE.findall(rows)}, failures),
        *_differences(MONEY_MAP, "money", set(_sentences(reference, "Money")), failures),
    ]


def _differences(where: str, area: str, said: set[str], failures: list[Failure]) -> list[str]:
    mapped = {failure.text for failure in failures if failure.area == area}
    return [
        *(f"{where} [{area}]: not mapped: {text!r}" for text in sorted(said - mapped)),
        *(f"{where} [{area}]: not in the reference: {text!r}" for text in sorted(mapped - said)),
    ]


def _sentences(reference: str, title: str) -> Iterator[str]:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", reference, re.MULTILINE | re.DOTALL)
    body = " ".join(found[1].split()) if found else ""
    for sentence in re.split(r"(?<=\.)\s+", body):
        text = sentence.removesuffix(".")
        causes = text.removeprefix(_LIST_OF_CAUSES)
        yield from (f"{_LIST_OF_CAUSES}{cause}" for cause in causes.split(", ")) if causes != text else [text]


def _read(root: Path, where: str) -> list[Failure]:
    path = root / where
    tables: Mapping[str, list[dict[str, Any]]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return [
        Failure(area, row["failure"], tuple(row.get("tests", ())), row.get("waits_for", ""), where)
        for area, rows in tables.items()
        for row in rows
    ]


def _of_failure(root: Path, failure: Failure) -> Iterator[str]:
    if bool(failure.tests) == bool(failure.waits_for):
        yield f"{failure.name}: names tests, or what it waits for"
    if failure.waits_for and (root / failure.waits_for).exists():
        yield f"{failure.name}: {failure.waits_for} is built, name the test"
    for test in failure.tests:
        path, _, name = test.partition("::")
        if name not in _tests_of(root / path):
            yield f"{failure.name}: there is no {test}"


def _tests_of(path: Path) -> set[str]:
    if not path.is_file():
        return set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}
