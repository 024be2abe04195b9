"""docs/howto/add-a-route.md, add-a-setting.md and write-a-race-test.md, followed word for word in a scratch copy."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from stoa.platform.testing.databases import on_postgres
from tests.project.checkout import ROOT, Checkout

_PART = re.compile(
    r"^`(?P<path>[\w/.]+)`(?:, after `(?P<anchor>[^`\n]+)`)?\n\n```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)


def _written(page: str) -> list[tuple[str, str, str]]:
    text = (ROOT / "docs/howto" / page).read_text()
    return [(each["path"], each["anchor"] or "", each["code"]) for each in _PART.finditer(text)]


def _follow(folder: Path, page: str) -> None:
    for path, anchor, code in _written(page):
        file = folder / path
        if not anchor:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(code)
            continue
        whole = file.read_text()
        # A line of code, or the name of a field: then the blank-free block that declares it.
        place = re.search(rf"^{re.escape(anchor)}\n", whole, re.MULTILINE) or re.search(
            rf"^    {re.escape(anchor)}: .*?^    \)\n", whole, re.MULTILINE | re.DOTALL
        )
        assert place is not None, f"{path} has no {anchor}"
        file.write_text(whole[: place.end()] + code + whole[place.end() :])


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Checkout]:
    made = Checkout(tmp_path / "copy")
    for name in (".importlinter", "pytest.ini", "ruff.toml", "conftest.py"):
        shutil.copy2(ROOT / name, made.folder / name)
    shutil.copytree(ROOT / "tests/probe", made.folder / "tests/probe")
    yield made
    made.end()


def _expect(copy: Checkout, *arguments: str) -> str:
    services = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL") if name in os.environ}
    done = copy.call_python(*arguments, **services)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_pages_lead_to_green_tests(copy: Checkout) -> None:
    _expect(copy, "scripts/new_app.py", "suppers", "--floor", "accounts")
    for page in ("add-a-setting.md", "add-a-route.md", "write-a-race-test.md"):
        _follow(copy.folder, page)
    _expect(copy, "manage.py", "makemigrations", "suppers")
    told = _expect(copy, "-m", "pytest", "-q", "stoa/apps/suppers", "tests/races", "-p", "no:cacheprovider")
    assert re.search(r"^4 passed in" if on_postgres() else r"^2 passed, 2 skipped in", told, re.MULTILINE), told
    files = [str(path) for page in ("add-a-route.md", "write-a-race-test.md") for path, _, _ in _written(page)]
    _expect(copy, "-m", "ruff", "check", *files)
    _expect(copy, "-m", "ruff", "format", "--check", *files)
