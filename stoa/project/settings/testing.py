"""Settings of the test suite: no `.env`, a database of its own, cheap password hashing; all else as it is served.

Only the addresses of services and the switches that a served test needs are taken from the environment."""

import tempfile
from pathlib import Path

from stoa.runtime.config.current import use
from stoa.runtime.config.loader import load_for_tests

_scratch = Path(tempfile.gettempdir()) / "test_stoa"
use(
    load_for_tests(
        {
            "ENVIRONMENT": "test",
            "DJANGO_SECRET_KEY": "test-secret-key-that-is-long-enough-for-any-check",
            "DJANGO_ALLOWED_HOSTS": "testserver localhost 127.0.0.1",
            "SQLITE_PATH": str(_scratch / "test_stoa.sqlite3"),
            "LOG_DIR": str(_scratch / "logs"),
            "ENABLE_CONSOLE_LOGGING": "false",
            "AUDIT_HEAD_FILE": str(_scratch / "audit-head.json"),
            "ERASURE_LIST_FILE": str(_scratch / "erasures.jsonl"),
            "STORAGE_DIR": str(_scratch / "storage"),
            "EXPORT_RATE": "100000/min",
            "DRAIN_FILE": str(_scratch / "drain"),
            "DEMO_DATA": "true",
            "THROTTLE_USER_RATE": "100000/min",
            "THROTTLE_ANON_RATE": "100000/min",
            "SIGN_IN_RATE": "100000/min",
            "SOCIAL_REDIRECT_URLS": "https://app.example.org/signed-in http://localhost:3000",
            "SOCIAL_GOOGLE_CLIENT_ID": "google-client",
            "SOCIAL_GOOGLE_CLIENT_SECRET": "google-secret",
            "REGISTER_RATE": "100000/min",
            "RESET_RATE": "100000/min",
            "RESEND_RATE": "100000/min",
            "OTP_RATE": "100000/min",
            "INVITE_ACCEPT_RATE": "100000/min",
            "EMAIL_BACKEND": "memory",
            "SMS_BACKEND": "memory",
            "REALTIME_BUS": "memory",
        }
    )
)

from stoa.project.settings.main import *  # noqa: E402, F403 - the suite tests the settings that are served
from stoa.project.settings.main import INSTALLED_APPS  # noqa: E402

INSTALLED_APPS = [*INSTALLED_APPS, "tests.probe.apps.ProbeConfig"]
ROOT_URLCONF = "tests.probe.urls"
PASSWORD_HASHERS = ["tests.probe.hashers.CheapArgon2"]
