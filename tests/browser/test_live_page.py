"""The landing page signs a demo person in, opens the socket with the TypeScript client, and shows an invite's way live,
also over a gateway that was killed and came back."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from stoa.kit.ids import new_id
from tests.browser.visits import Visit, visited
from tests.gateway.harness import until
from tests.stories.house import House, call, token_in, whole_house

pytestmark = pytest.mark.browser
PASSWORD = "a-long-enough-passphrase"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    # So short that the page renews its tokens for every act: what else would only be seen after a quarter of an hour.
    with whole_house(tmp_path_factory.mktemp("house"), JWT_ACCESS_TOKEN_LIFETIME_MINUTES="1") as made:
        yield made


def said(page: Page) -> list[tuple[str, str]]:
    """Newest first: type and words."""
    rows = page.locator("#live-events li").all()
    return [(row.locator("code").inner_text(), row.locator("span").inner_text()) for row in rows]


def invited(house: House) -> str:
    """The address of the newest invite's mail."""
    found: list[str] = []

    def look() -> bool:
        mails = house.invites()
        found[:] = [str(mails[-1]["To"])] if mails else []
        return bool(found)

    until(look)
    return found[0]


def test_an_invites_way_is_shown_as_it_happens(house: House, chromium: Browser) -> None:
    with visited(chromium) as visit:
        page = visit.page
        renewed: list[str] = []
        page.on("request", lambda asked: renewed.append(asked.url) if asked.url.endswith("/auth/refresh") else None)
        page.goto(f"http://127.0.0.1:{house.web.port}/")
        page.get_by_role("button", name="Sign in and listen").click()
        visit.wait_for_text("#live-state", "listening", within_s=10)
        page.get_by_role("button", name="Invite somebody").click()
        page.locator("#live-events li", has_text="is open").wait_for(timeout=15_000)

        address = invited(house)
        guest, _ = call(house, "POST", "/auth/register", email=address, password=PASSWORD, name="Guest")
        [mail] = house.invites_to(address)
        _, request_id = call(house, "POST", "/organizations/invites/accept", guest["access"], token=token_in(mail))
        page.locator("#live-events li", has_text="is accepted").wait_for(timeout=15_000)
        page.locator("#live-events li", has_text="Guest joined").wait_for(timeout=15_000)
        accepted = page.locator("#live-events li", has_text="is accepted")
        assert accepted.locator("a").get_attribute("href") == f"/admin/trace/?id={request_id}"

        house.gateway.kill()
        visit.wait_for_text("#live-state", "coming back", within_s=10)
        call(house, "POST", "/auth/password/reset", email=f"{new_id()}@example.org")  # the house goes on meanwhile
        page.get_by_role("button", name="Invite somebody").click()
        house.gateway.start()
        visit.wait_for_text("#live-state", "listening", within_s=20)
        page.locator("#live-events li", has_text="is open").nth(1).wait_for(timeout=15_000)
        page.wait_for_timeout(1000)
        assert sorted(kind for kind, _ in said(page)) == ["notification", *["org.invite"] * 3]
        assert len(renewed) > 3
        assert only_its_own_hosts(visit, house)
        # While the gateway was away the browser itself says that a socket could not be opened; nothing else is said.
        assert [each for each in visit.take_complaints() if "WebSocket connection to" not in each] == []


def test_signed_out_elsewhere_the_page_says_so_and_signs_in_again(house: House, chromium: Browser) -> None:
    with visited(chromium) as visit:
        page = visit.page
        page.goto(f"http://127.0.0.1:{house.web.port}/")
        begin = page.get_by_role("button", name="Sign in and listen")
        begin.click()
        visit.wait_for_text("#live-state", "listening", within_s=10)
        who = {name: str(page.locator("#live-panel").get_attribute(f"data-{name}")) for name in ("email", "password")}
        elsewhere, _ = call(house, "POST", "/auth/login", **who)
        call(house, "POST", "/auth/logout-all", elsewhere["access"])
        visit.wait_for_text("#live-state", "ended: 3503", within_s=5)
        begin.click()
        visit.wait_for_text("#live-state", "listening", within_s=10)
        assert visit.complaints == []


def only_its_own_hosts(visit: Visit, house: House) -> bool:
    return visit.hosts <= {f"127.0.0.1:{house.web.port}", f"127.0.0.1:{house.gateway.port}"}
