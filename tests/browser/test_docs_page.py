"""Swagger UI, from its package's own files under our content policy."""

import pytest

from stoa.platform.testing.servers import Server
from tests.browser.conftest import GoTo
from tests.browser.visits import NAME

pytestmark = pytest.mark.browser


def _operations(site: Server) -> int:
    with site.client() as client:
        paths = client.get("/api/schema/", params={"format": "json"}).json()["paths"]
    return sum(len(operations) for operations in paths.values())


def test_docs_show_every_operation_and_ask_nobody_else(site: Server, go_to: GoTo) -> None:
    """Under a real name: away from localhost Swagger UI may show the badge of an outside validator."""
    visit = go_to(f"http://{NAME}:{site.port}/api/docs/")
    visit.page.locator(".opblock").first.wait_for()
    assert visit.page.locator(".opblock").count() == _operations(site) > 10
    visit.page.wait_for_timeout(300)
    (complaint,) = visit.take_complaints()
    assert "Cross-Origin-Opener-Policy header has been ignored" in complaint  # without TLS, and not localhost


def test_docs_try_an_operation(site: Server, go_to: GoTo) -> None:
    visit = go_to(f"{site.base_url}/api/docs/")
    block = visit.page.locator(".opblock", has_text="/api/v1/system/health")
    block.locator(".opblock-summary").click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    answered = block.locator(".live-responses-table")
    assert answered.locator(".response-col_status").nth(1).inner_text().startswith("200")
    assert '"status": "healthy"' in answered.locator(".response-col_description pre").first.inner_text()
