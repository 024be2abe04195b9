"""Each way in which a failure can be left unproven is planted, and is the one fault reported."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from architecture.known_failures import (
    COMMUNITY_MAP,
    MAP,
    MONEY_MAP,
    Failure,
    community_faults,
    money_faults,
    reference_faults,
    unmapped_failures,
)

REFERENCE = """# Failures

## Identity
Accounts that differ in case. Refresh needs access; refresh opens the gateway.

## HTTP
500 for: a list, NUL in text. Id missing.

## Logs and operations
Tracebacks dropped.

## Money
One key, two charges. Transfers without keys.
"""
SAID = {
    "identity": ("Accounts that differ in case", "Refresh needs access; refresh opens the gateway"),
    "http": ("500 for: a list", "500 for: NUL in text", "Id missing"),
    "logs": ("Tracebacks dropped",),
}


def failures(said: Mapping[str, Sequence[str]] = SAID) -> list[Failure]:
    return [Failure(area, text, ("t.py::test_it",), "") for area, texts in said.items() for text in texts]


def test_the_reference_is_read_sentence_by_sentence_and_cause_by_cause() -> None:
    assert reference_faults(failures(), REFERENCE) == []


def test_a_sentence_that_is_not_mapped_and_one_that_nobody_said_are_told() -> None:
    other = failures({**SAID, "logs": ("Tracebacks kept",)})
    assert reference_faults(other, REFERENCE) == [
        f"{MAP} [logs]: not mapped: 'Tracebacks dropped'",
        f"{MAP} [logs]: not in the reference: 'Tracebacks kept'",
    ]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ('tests = ["t.py::test_it"]', ""),
        ('waits_for = "stoa/later"', ""),
        ("", "names tests, or what it waits for"),
        ('tests = ["t.py::test_it"]\nwaits_for = "stoa/later"', "names tests, or what it waits for"),
        ('waits_for = "t.py"', "t.py is built, name the test"),
        ('tests = ["t.py::test_other"]', "there is no t.py::test_other"),
        ('tests = ["gone.py::test_it"]', "there is no gone.py::test_it"),
    ],
)
@pytest.mark.parametrize("area", ["http", "cases", "rows"])
def test_a_row_names_tests_that_exist_or_what_it_waits_for(tmp_path: Path, area: str, row: str, fault: str) -> None:
    (tmp_path / "architecture").mkdir()
    (tmp_path / "t.py").write_text("def test_it() -> None:\n    assert True\n")
    for empty in (MAP, COMMUNITY_MAP, MONEY_MAP):
        (tmp_path / empty).write_text("")
    written = {"http": MAP, "cases": COMMUNITY_MAP, "rows": MONEY_MAP}[area]
    (tmp_path / written).write_text(f'[[{area}]]\nfailure = "Id missing"\n{row}\n')
    assert unmapped_failures(tmp_path) == ([f"{written} [{area}] 'Id missing': {fault}"] if fault else [])


CASES = """# Cases

| # | case | required behaviour |
|---|---|---|
| 1 | slow consumer | bounded |
| 2 | Redis down | reconnect |
"""
COMMUNITY = "# Failures\n\n## Community and realtime\nNo replay; forged presence. Fan-out inside the request.\n"


def test_each_case_and_each_clause_of_the_community_is_asked_for() -> None:
    said = {"cases": ("slow consumer",), "community": ("No replay", "forged presence", "Fan-out on read")}
    assert community_faults(failures(said), COMMUNITY, CASES) == [
        f"{COMMUNITY_MAP} [cases]: not mapped: 'Redis down'",
        f"{COMMUNITY_MAP} [community]: not mapped: 'Fan-out inside the request'",
        f"{COMMUNITY_MAP} [community]: not in the reference: 'Fan-out on read'",
    ]


ROWS = "# Money\n\n| # | failure | right |\n|---|---|---|\n| 1 | double click | key |\n| 6, 7 | amount differs | conflicted |\n"


def test_each_row_and_each_sentence_of_money_is_asked_for() -> None:
    said = {"rows": ("double click",), "money": ("One key, two charges", "Transfers without keys", "Free coffee")}
    assert money_faults(failures(said), REFERENCE, ROWS) == [
        f"{MONEY_MAP} [rows]: not mapped: 'amount differs'",
        f"{MONEY_MAP} [money]: not in the reference: 'Free coffee'",
    ]
