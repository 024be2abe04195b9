"""docs/howto/keep-the-books.md, run as it is against a served house: it prints what the page says."""

import re
import subprocess
import sys
from pathlib import Path

from stoa.platform.testing.fixtures import Serve
from tests.project.checkout import ROOT


def _block(language: str) -> str:
    page = (ROOT / "docs/howto/keep-the-books.md").read_text(encoding="utf-8")
    found = re.search(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_a_cafe_keeps_its_books_for_a_month(serve: Serve, tmp_path: Path) -> None:
    program = tmp_path / "cafe.py"
    program.write_text(_block("python"), encoding="utf-8")
    command = [sys.executable, str(program), serve().base_url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == _block("text")
