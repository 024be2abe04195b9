"""The watch on pages sees what it is there for."""

import pytest
from playwright.sync_api import Browser

from stoa.platform.testing.servers import Server
from tests.browser.visits import visited

pytestmark = pytest.mark.browser

_ASK_ELSEWHERE = "fetch('https://elsewhere.example/').catch(() => 0)"


def test_a_request_elsewhere_and_a_broken_policy_are_noticed(chromium: Browser, site: Server) -> None:
    with visited(chromium) as visit:
        visit.page.goto(f"{site.base_url}/admin/login/")
        visit.page.evaluate(_ASK_ELSEWHERE)
        visit.page.wait_for_timeout(50)
        assert any("policy connect-src https://elsewhere.example" in each for each in visit.complaints)
    with visited(chromium) as visit:
        visit.page.goto("data:text/html,<title>a page without a policy</title>")
        visit.page.evaluate(_ASK_ELSEWHERE)
        visit.page.wait_for_timeout(50)
        assert visit.hosts == {"elsewhere.example"}
        assert any("ERR_NAME_NOT_RESOLVED" in each for each in visit.complaints)
