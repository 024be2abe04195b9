"""What a process that is about to serve says on its own, in its real output."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
START = """
import sys
from django.conf import settings as django_settings
from stoa.platform.db.connection import django_databases
from stoa.runtime.config.current import settings
from stoa.runtime.logs import configure_logging
from stoa.runtime.process import declare_role
declare_role(sys.argv[1])
configure_logging(settings(), stream=sys.stdout)
django_settings.configure(
    DATABASES=django_databases(settings(), sys.argv[1]),
    INSTALLED_APPS=["stoa.platform.config.apps.ConfigConfig"],
    LOGGING_CONFIG=None,
)
import django
django.setup()
"""


def start(folder: Path, role: str, **environ: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-c", START, role],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "ENABLE_FILE_LOGGING": "no", **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("role", ["web", "worker", "migrate"])
def test_the_state_of_tls_is_one_line_and_a_missing_file_another(tmp_path: Path, role: str) -> None:
    lines = start(
        tmp_path,
        role,
        DATABASE_URL="postgresql://stoa:hidden-word@db.internal/stoa",
        POSTGRES_SSL_MODE="verify-full",
        POSTGRES_SSL_ROOT_CERT=str(tmp_path / "nowhere.crt"),
    )
    assert [(line["level"], line["msg"]) for line in lines] == [
        ("INFO", "PostgreSQL TLS: on (mode verify-full)"),
        ("ERROR", f"No such file: {tmp_path}/nowhere.crt"),
    ]
    assert lines[1]["path"] == f"{tmp_path}/nowhere.crt"
    assert "hidden-word" not in str(lines)


def test_sqlite_and_commands_say_nothing(tmp_path: Path) -> None:
    assert start(tmp_path, "web", POSTGRES_SSL_MODE="require") == []
    assert start(tmp_path, "command", DB_NAME="stoa") == []
