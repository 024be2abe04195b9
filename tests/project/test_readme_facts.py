"""What README and the pages under docs name exists: files, headings, make targets, commands, settings."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands

from stoa.runtime.config.model import Settings
from stoa.runtime.config.registry import declarations
from tests.project.checkout import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / ".github/pull_request_template.md"])
INSTRUCTIONS = [page for page in PAGES if "decisions" not in page.parts and page.name != "CHANGELOG.md"]
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
STOA_COMMANDS = {"run", "web", "worker", "drain"}
TOP = ("stoa", "tests", "docs", "scripts", "architecture", "benchmarks", "infra", "config", ".ci", ".github")
MADE_BY_THE_READER = ("stoa/apps/suppers", "tests/races/test_last_seat.py", "docs/PROJECT_LOG.md")

_LINK = re.compile(r"(?<!`)!?\[[^\]\n]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_names = pytest.mark.parametrize("page", INSTRUCTIONS, ids=lambda page: str(page.relative_to(ROOT)))


def _code(page: Path) -> Iterator[str]:
    """Fenced blocks of shell, and code in sentences."""
    text = page.read_text()
    for kind, body in _FENCE.findall(text):
        if kind in {"sh", "bash", "console", ""}:
            yield body
    yield from _SPAN.findall(_FENCE.sub("", text))


def _after(command: str, page: Path) -> set[str]:
    found: set[str] = set()
    for code in _code(page):
        # In `celery -A stoa beat` the word after it is Celery's.
        found.update(re.findall(rf"(?:^|[\s/;&|])(?<!-A ){re.escape(command)} ([a-z][a-z_-]*)", code, re.MULTILINE))
    return found


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page: Path) -> None:
    broken = []
    for link in _LINK.findall(_FENCE.sub("", page.read_text())):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert broken == []


@_names
def test_make_targets_exist(page: Path) -> None:
    assert _after("make", page) - TARGETS == set()


@_names
def test_commands_exist(page: Path) -> None:
    assert _after("manage.py", page) - {"test", *get_commands()} == set()
    assert {word for word in _after("stoa", page) if not word.startswith("-")} - STOA_COMMANDS == set()


@_names
def test_paths_exist(page: Path) -> None:
    missing = []
    for span in _SPAN.findall(_FENCE.sub("", page.read_text())):
        path = span.split(":")[0].rstrip("/")
        if not re.fullmatch(r"[\w./-]+", path) or "/" not in path or path.split("/")[0] not in TOP:
            continue
        if not (ROOT / path).exists() and not path.startswith(MADE_BY_THE_READER) and not _announced(path):
            missing.append(path)
    assert missing == []


def _announced(path: str) -> bool:
    """Folders of tests that the map names before the first file is in them."""
    return path in {"tests/races", "tests/stories"}


@pytest.mark.parametrize("page", ["README.md", "docs/howto/run-in-production.md", "docs/howto/read-the-logs.md"])
def test_variables_are_declared(page: str) -> None:
    known = {name for each in declarations(Settings) for name in each.names}
    text = (ROOT / page).read_text()
    named = set(re.findall(r"`([A-Z][A-Z_]{4,})(?:=[^`]*)?`", text)) | set(
        re.findall(r"^([A-Z_]{5,})=", text, re.MULTILINE)
    )
    assert named - known - {f"{name}_FILE" for name in known} == set()


def test_the_two_commands_come_first() -> None:
    first = _FENCE.search((ROOT / "README.md").read_text())
    assert first is not None
    assert [line.split("#")[0].strip() for line in first[2].splitlines()] == ["make run", "make test"]


def test_the_picture_is_small() -> None:
    assert 10_000 < (ROOT / "docs/images/live.png").stat().st_size < 200_000


@pytest.mark.parametrize(
    ("command", "text", "found"),
    [
        ("make", "`make run`", {"run"}),
        ("make", "In prose make up your mind", set()),
        ("make", "```sh\nmake nothing-such\n```\n", {"nothing-such"}),
        ("manage.py", "`python manage.py no_such --x`", {"no_such"}),
    ],
)
def test_the_reader_of_pages_finds_commands(tmp_path: Path, command: str, text: str, found: set[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    assert _after(command, page) == found
