"""A process does not start on a database that lost one of its triggers."""

import os
import subprocess
import sys
from pathlib import Path

from django.db import connection

from stoa.platform.db.triggers import install_triggers
from stoa.platform.testing.databases import url_of_test_database
from stoa.platform.testing.servers import ROOT
from tests.platform.audit.trail import run

START = "import sys; sys.argv = ['stoa', 'worker']; from stoa.project.cli import main; sys.exit(main())"


def test_the_worker_says_what_is_missing_and_what_to_do(committed_db: None, tmp_path: Path) -> None:
    run("DROP TRIGGER audit_seal_no_update" + (" ON audit_seal" if connection.vendor == "postgresql" else ""))
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": url_of_test_database(),
        "LOG_DIR": str(tmp_path / "logs"),
    }
    try:
        ended = subprocess.run(
            [sys.executable, "-c", START], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=30
        )
    finally:
        assert install_triggers() == ["audit_seal_no_update"]
    assert ended.returncode == 1
    assert ended.stderr == (
        "stoa: missing in the database: audit_seal_no_update; `python manage.py migrate` installs them\n"
    )
