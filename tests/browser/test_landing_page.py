"""The page at `/`, as a person sees it."""

import re
import subprocess
import time
from pathlib import Path

import pytest

from stoa.platform.testing.servers import Server
from stoa.runtime.version import VERSION
from tests.browser.conftest import GoTo, Start
from tests.browser.visits import Visit

pytestmark = pytest.mark.browser

WITHIN_S = 3.0


def _rows(visit: Visit) -> list[list[str]]:
    rows = visit.page.locator("#checks tr")
    return [[cell.strip() for cell in row.locator("td").all_inner_texts()] for row in rows.all()]


def test_it_shows_what_runs_and_how_it_is(site: Server, go_to: GoTo) -> None:
    visit = go_to(site.base_url)
    visit.wait_for_text("#verdict", "ready", within_s=WITHIN_S)
    assert visit.text("#verdict") == "ready"
    assert visit.page.title() == "Stoa: ready"
    assert visit.text("#version") == VERSION
    assert visit.text(".address") == site.base_url
    assert [row[:2] for row in _rows(visit)] == [["database", "ok"], ["migrations", "ok"]]
    assert all(re.fullmatch(r"\d+\.\d ms", row[3]) for row in _rows(visit))
    visit.wait_for_text("#answer", '"status": "healthy"', within_s=WITHIN_S)


def test_its_links_lead_somewhere(site: Server, go_to: GoTo) -> None:
    visit = go_to(site.base_url)
    hrefs = [link.get_attribute("href") for link in visit.page.locator("a").all()]
    assert set(hrefs) == {
        "/health", "/health/live", "/health/ready", "/api/docs/", "/admin/", "/api/schema/?format=json",
    }  # fmt: skip
    with site.client() as client:
        for href in hrefs:
            assert client.get(str(href), follow_redirects=True).status_code == 200, href
    visit.page.get_by_role("link", name="API documentation").click()
    assert visit.page.title() == "Stoa"
    assert visit.page.url == f"{site.base_url}/api/docs/"


def test_it_turns_red_and_green_with_the_server(site: Server, go_to: GoTo) -> None:
    visit = go_to(site.base_url)
    visit.wait_for_text("#verdict", "ready", within_s=WITHIN_S)
    drain = site.folder / "drain"
    drain.touch()
    try:
        visit.wait_for_text("#verdict", "not ready", within_s=WITHIN_S)
        assert visit.style("#state", "color") == visit.style("td[data-ok=false]", "color") == "rgb(163, 38, 38)"
        assert [row[:2] for row in _rows(visit)][-1] == ["drain", "Draining"]
    finally:
        drain.unlink()
    visit.page.locator("#state[data-state=ok]").wait_for(timeout=WITHIN_S * 1000)
    assert visit.style("#state", "color") == "rgb(27, 107, 58)"
    assert visit.page.locator("#checks tr:first-child rect").count() >= 3  # one bar in its trail an answer
    complaints = visit.take_complaints()
    assert complaints
    assert all("status of 503" in each and "/health/ready" in each for each in complaints)


def test_demo_people_are_shown(site: Server, go_to: GoTo) -> None:
    visit = go_to(site.base_url)
    shown = [person.splitlines() for person in visit.page.locator(".people li").all_inner_texts()]
    assert [person[1:] for person in shown] == [
        ["admin@demo.stoa.test", "stoa-demo-admin"],
        ["manager@demo.stoa.test", "stoa-demo-manager"],
        ["member@demo.stoa.test", "stoa-demo-member"],
    ]


def test_without_demo_people_and_then_with_nobody_who_answers(start: Start, go_to: GoTo) -> None:
    server = start(DEMO_DATA="false")
    visit = go_to(server.base_url)
    visit.wait_for_text("#verdict", "ready", within_s=WITHIN_S)
    assert "demo" not in visit.page.content().lower()
    server.kill()
    visit.wait_for_text("#verdict", "not reachable", within_s=WITHIN_S)
    assert visit.style("#state", "color") == "rgb(163, 38, 38)"
    assert all("ERR_CONNECTION_REFUSED" in each or "ERR_EMPTY_RESPONSE" in each for each in visit.take_complaints())


def test_its_commands_work_as_they_are_copied(site: Server, go_to: GoTo, tmp_path: Path) -> None:
    visit = go_to(site.base_url)
    answers = []
    for button in visit.page.locator("button[data-copy]").all():
        button.click()
        button.and_(visit.page.get_by_text("copied")).wait_for()
        command = visit.page.evaluate("navigator.clipboard.readText()")
        ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=10, check=True)
        answers.append(ran.stdout)
    signed_in, healthy = answers
    assert '"handle":"demo_member"' in signed_in
    assert '"status":"healthy"' in healthy


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_by_day_and_by_night(site: Server, go_to: GoTo, scheme: str) -> None:
    visit = go_to(site.base_url, scheme=scheme)
    visit.wait_for_text("#verdict", "ready", within_s=WITHIN_S)
    ground = _luminance(visit.style("body", "background-color"))
    assert (ground > 0.5) is (scheme == "light")
    for selector in ("body", "header div p", "h2 >> nth=0", "#state", "a >> nth=0", "td[data-ok=true] >> nth=0"):
        assert _contrast(_luminance(visit.style(selector, "color")), ground) >= 4.5, selector


def test_it_fits_a_narrow_screen(site: Server, go_to: GoTo) -> None:
    visit = go_to(site.base_url, width=360)
    visit.wait_for_text("#answer", "healthy", within_s=WITHIN_S)
    assert visit.fits_its_width()


def test_a_hanging_answer_counts_as_none(site: Server, go_to: GoTo) -> None:
    """As from a server that accepts and then says nothing."""
    visit = go_to(site.base_url)
    visit.wait_for_text("#verdict", "ready", within_s=WITHIN_S)
    visit.page.route("**/health/ready", lambda route: None)
    began = time.monotonic()
    visit.wait_for_text("#verdict", "not reachable", within_s=WITHIN_S + 0.5)
    assert time.monotonic() - began < WITHIN_S


def _luminance(color: str) -> float:
    """WCAG's relative luminance of `rgb(r, g, b)`."""
    red, green, blue = (int(part) / 255 for part in re.findall(r"\d+", color)[:3])
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)
