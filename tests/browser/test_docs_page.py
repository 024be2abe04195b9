"""Swagger UI, from its package's own files under our content policy."""

import pytest
from playwright.sync_api import Locator, Page

from stoa.platform.testing.servers import Server
from tests.browser.conftest import GoTo
from tests.browser.visits import NAME

pytestmark = pytest.mark.browser

_IN_SIGHT = """() => [...document.querySelectorAll(".opblock")].map(block =>
  block.querySelector(".opblock-summary-method").innerText + " "
  + block.querySelector(".opblock-summary-path").dataset.path)"""
_FURTHER = """async () => {
  const before = scrollY;
  scrollBy({top: innerHeight / 2, behavior: "instant"});
  for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
  return scrollY > before;
}"""
"""Half a window down, drawn; false at the end of the page."""


def _documented(site: Server) -> set[str]:
    with site.client() as client:
        paths = client.get("/api/schema/", params={"format": "json"}).json()["paths"]
    return {f"{method.upper()} {path}" for path, operations in paths.items() for method in operations}


def _shown(page: Page) -> set[str]:
    """What one sees who scrolls from the top to the end: a long list is drawn only where one looks."""
    seen = set(page.evaluate(_IN_SIGHT))
    while page.evaluate(_FURTHER):
        seen.update(page.evaluate(_IN_SIGHT))
    return seen


def _scroll_to(page: Page, path: str) -> Locator:
    block = page.locator(".opblock", has=page.locator(f'[data-path="{path}"]'))
    while not block.count():
        assert page.evaluate(_FURTHER), f"the page ends before {path}"
    return block


def test_docs_show_every_operation_and_ask_nobody_else(site: Server, go_to: GoTo) -> None:
    """Under a real name: away from localhost Swagger UI may show the badge of an outside validator."""
    visit = go_to(f"http://{NAME}:{site.port}/api/docs/")
    visit.page.locator(".opblock").first.wait_for()
    documented = _documented(site)
    assert _shown(visit.page) == documented
    assert len(documented) > 10
    visit.page.wait_for_timeout(300)
    (complaint,) = visit.take_complaints()
    assert "Cross-Origin-Opener-Policy header has been ignored" in complaint  # without TLS, and not localhost


def test_docs_try_an_operation(site: Server, go_to: GoTo) -> None:
    visit = go_to(f"{site.base_url}/api/docs/")
    visit.page.locator(".opblock").first.wait_for()
    block = _scroll_to(visit.page, "/api/v1/system/health")
    block.locator(".opblock-summary").click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    answered = block.locator(".live-responses-table")
    assert answered.locator(".response-col_status").nth(1).inner_text().startswith("200")
    assert '"status": "healthy"' in answered.locator(".response-col_description pre").first.inner_text()
