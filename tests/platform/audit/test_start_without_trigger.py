"""A process does not start on a database that lost one of its triggers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from stoa.platform.db.triggers import install_triggers
from stoa.platform.testing.databases import url_of_test_database
from stoa.platform.testing.servers import ROOT, SETTINGS, free_port
from tests.platform.audit.trail import run

STOA = "import sys; sys.argv = ['stoa', 'worker']; from stoa.project.cli import main; sys.exit(main())"
CELERY = ("-m", "celery", "-A", "stoa")
MANAGE = str(ROOT / "manage.py")
MISSING = "stoa: missing in the database: audit_seal_no_update; `python manage.py migrate` installs them"


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("-c", STOA), id="stoa worker"),
        pytest.param((*CELERY, "worker", "-c", "1"), id="celery worker"),
        pytest.param((*CELERY, "worker", "-P", "solo", "-B"), id="celery worker with beat"),
        pytest.param((*CELERY, "beat"), id="celery beat"),
        pytest.param((MANAGE, "runserver", "--noreload"), id="runserver"),
        pytest.param((MANAGE, "runserver"), id="runserver that reloads"),
    ],
)
def test_a_process_says_what_is_missing_and_what_to_do(
    committed_db: None, tmp_path: Path, command: tuple[str, ...]
) -> None:
    run("DROP TRIGGER audit_seal_no_update" + (" ON audit_seal" if connection.vendor == "postgresql" else ""))
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "ENVIRONMENT": "test",
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "DATABASE_URL": url_of_test_database(),
        "LOG_DIR": str(tmp_path / "logs"),
        # Refused before it would be asked: nothing listens there.
        "CELERY_BROKER_URL": f"redis://127.0.0.1:{port}/0",
    }
    address = [f"127.0.0.1:{port}"] if "runserver" in command else []
    try:
        ended = subprocess.run(
            [sys.executable, *command, *address],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=30,
        )
    finally:
        assert install_triggers() == ["audit_seal_no_update"]
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == MISSING
    assert "Traceback" not in ended.stderr
    assert "Starting development server" not in ended.stdout
