"""`env_docs` and `config` as an operator runs them, in a process and a folder of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stoa.runtime.config.model import Settings
from stoa.runtime.config.registry import declarations

ROOT = Path(__file__).parents[3]
COMMAND = """
import sys
from importlib import import_module
import django
from django.conf import settings
settings.configure()
django.setup()
module = import_module(f"stoa.platform.config.management.commands.{sys.argv[1]}")
module.Command().run_from_argv(["manage.py", *sys.argv[1:]])
"""
FILES = (".env.example", "docs/environment.md", "README.md")


def run(folder: Path, *arguments: str, **environ: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "README.md").write_text("# Title\n\n<!-- env:begin -->\n<!-- env:end -->\n")
    return tmp_path


def test_what_is_committed_is_up_to_date() -> None:
    assert run(ROOT, "env_docs", "--check") == (0, "", "")


def test_check_names_what_differs_and_write_mends_it(checkout: Path) -> None:
    status, output, errors = run(checkout, "env_docs", "--check", "--root", str(checkout))
    assert (status, output) == (1, "")
    assert errors.splitlines() == [
        f"CommandError: {FILES[0]} differs from the declared settings",
        *(f"{name} differs from the declared settings" for name in FILES[1:]),
        "run `python manage.py env_docs --write`",
    ]
    wrote = "".join(f"wrote {name}\n" for name in FILES)
    assert run(checkout, "env_docs", "--write", "--root", str(checkout)) == (0, wrote, "")
    assert run(checkout, "env_docs", "--check", "--root", str(checkout)) == (0, "", "")
    assert run(checkout, "env_docs", "--write", "--root", str(checkout)) == (0, "", "")


def test_a_readme_without_markers_is_named_and_left_alone(checkout: Path) -> None:
    (checkout / "README.md").write_text("# Title\n")
    for mode in ("--write", "--check"):
        status, _, errors = run(checkout, "env_docs", mode, "--root", str(checkout))
        assert status == 1
        assert errors.startswith("CommandError: README.md lacks the lines <!-- env:begin --> and <!-- env:end -->\n")
    assert (checkout / "README.md").read_text() == "# Title\n"


def test_config_shows_value_and_origin_and_masks(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=hidden-word\nPORT=8001\nPROT=8002\n")
    status, output, errors = run(tmp_path, "config", "DB_PASSWORD", "port", "DEBUG", "DATABASE_URL", PORT="8003")
    assert (status, errors) == (0, ".env: PROT is not a setting; did you mean PORT?\n")
    assert [line.split(maxsplit=2) for line in output.splitlines()] == [
        ["DB_PASSWORD", "********", ".env (POSTGRES_PASSWORD)"],
        ["PORT", "8003", "environment (PORT)"],
        ["DJANGO_DEBUG", "false", "default"],
        ["DATABASE_URL", "(unset)", "default"],
    ]


def test_config_shows_all_and_no_secret(tmp_path: Path) -> None:
    status, output, errors = run(tmp_path, "config", DB_PASSWORD="hidden-word", JWT_SECRET="hidden-word")
    assert (status, errors) == (0, "")
    assert "hidden-word" not in output
    assert [line.split()[0] for line in output.splitlines()] == [each.name for each in declarations(Settings)]


def test_config_refuses_a_name_that_does_not_exist(tmp_path: Path) -> None:
    assert run(tmp_path, "config", "DATABASE_URI") == (
        1,
        "",
        "CommandError: DATABASE_URI is not a setting; did you mean DATABASE_URL?\n",
    )
