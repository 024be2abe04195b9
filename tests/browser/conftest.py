"""A served Stoa with demo people, and a headless Chromium that reaches nothing else.

The browser lives no longer than a module: Playwright keeps an event loop in this thread, where Django's ORM then
refuses to work. So no test here touches the database itself."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, sync_playwright

from stoa.platform.testing.servers import ROOT, SETTINGS, Server, served
from tests.browser.visits import ARGUMENTS, NAME, Visit, visited

type Start = Callable[..., Server]
type GoTo = Callable[..., Visit]

_PREPARE = """
import django
from django.core.management import call_command
django.setup()
call_command("migrate", verbosity=0)
call_command("seed_demo", verbosity=0)
from stoa.apps.accounts.models import TotpDevice
from stoa.apps.accounts.tests.factories import make_user
from stoa.kit.clock import utc_now
guarded = make_user("Guarded", email="guarded@example.org", handle="guarded", is_staff=True)
from uuid import UUID
from stoa.apps.ledger.services.sealing import seal_entries
from stoa.apps.ledger.tests.factories import Books
books = Books(id=UUID("01a218a4-ff0f-7fe8-be1b-f71638d98011"))
for minor in (125000, 99000):
    books.move("cash", "sales_revenue", minor, at=utc_now())
seal_entries()
TotpDevice(user=guarded, secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", confirmed_at=utc_now()).save()
"""


@pytest.fixture(scope="module")
def chromium(request: pytest.FixtureRequest) -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        (pytest.fail if request.config.getoption("--require-services") else pytest.skip)("needs Chromium on PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, headless=True, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """`start(DEMO_DATA="false")`: a server of its own on the one database of this lane, in a folder of its own."""
    home = tmp_path_factory.mktemp("pages")
    common = {
        "ENVIRONMENT": "test",
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "PYTHONPATH": str(ROOT),
        "SQLITE_PATH": str(home / "test_stoa_pages.sqlite3"),
        "DJANGO_ALLOWED_HOSTS": f"127.0.0.1 {NAME}",
    }
    path = {"PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-c", _PREPARE], cwd=home, env=common | path, check=True, timeout=60)
    with ExitStack() as servers:

        def begin(**environ: str) -> Server:
            folder: Path = tmp_path_factory.mktemp("served")
            own = {"DRAIN_FILE": str(folder / "drain"), "LOG_DIR": str(folder / "logs")}
            return servers.enter_context(served(folder=folder, environ=common | own | environ))

        yield begin


@pytest.fixture(scope="session")
def site(start: Start) -> Server:
    return start()


@pytest.fixture
def go_to(chromium: Browser) -> Iterator[GoTo]:
    """`go_to(url, scheme="dark", width=360)`. At the end: nothing was asked of another host, nobody complained."""
    visits: list[tuple[str, Visit]] = []
    with ExitStack() as pages:

        def go(url: str, **options: str | int) -> Visit:
            visit = pages.enter_context(visited(chromium, **options))  # type: ignore[arg-type]  # checked by the call
            visits.append((urlsplit(url).netloc, visit))
            answer = visit.page.goto(url)
            assert answer is not None
            assert answer.status == 200
            return visit

        yield go
        for host, visit in visits:
            visit.page.wait_for_timeout(50)  # what the browser reports late
            assert visit.hosts == {host}
            assert visit.complaints == []
