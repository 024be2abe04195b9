"""The admin as staff see it: every list, a search, an act. The visit itself fails a page that asks another host or logs."""

import pyotp
import pytest

from stoa.kit.clock import utc_now
from stoa.platform.testing.servers import Server
from tests.browser.conftest import GoTo
from tests.browser.visits import Visit

pytestmark = pytest.mark.browser


def _sign_in(visit: Visit, email: str, password: str) -> None:
    visit.page.get_by_label("Email").fill(email)
    visit.page.get_by_label("Password").fill(password)
    visit.page.get_by_role("button", name="Log in").click()


def _go(visit: Visit, address: str) -> None:
    answer = visit.page.goto(address)
    assert answer is not None
    assert answer.status == 200, address


@pytest.fixture
def admin(site: Server, go_to: GoTo) -> Visit:
    return go_to(f"{site.base_url}/admin/")


@pytest.fixture
def signed_in(admin: Visit) -> Visit:
    _sign_in(admin, "admin@demo.stoa.test", "stoa-demo-admin")
    admin.page.locator("#nav-sidebar").wait_for(state="attached")  # shown on wide screens
    return admin


def test_signing_in_looks_like_the_rest_and_fits_a_narrow_screen(site: Server, go_to: GoTo) -> None:
    visit = go_to(f"{site.base_url}/admin/", width=360)
    assert visit.page.url.endswith("/admin/login/?next=/admin/")
    assert (
        visit.style("#login-form button", "background-color") == "oklch(0.508 0.128 244)"
    )  # our blue, of unfold's sheet
    assert visit.style("#login-form button span", "font-family").strip('"') == "Material Symbols Outlined"
    assert visit.fits_its_width()


def test_it_refuses_who_is_not_staff(admin: Visit) -> None:
    _sign_in(admin, "member@demo.stoa.test", "stoa-demo-member")
    admin.page.get_by_text("correct email and password for a staff account").wait_for()
    assert admin.page.locator("#nav-sidebar").count() == 0


def test_each_page_of_the_side_bar_opens(signed_in: Visit, site: Server) -> None:
    links = signed_in.page.locator("#nav-sidebar a[href^='/admin/']").all()
    addresses = {str(link.get_attribute("href")) for link in links} - {"/admin/"}
    assert {"/admin/accounts/user/", "/admin/audit/auditrecord/", "/admin/trace/"} < addresses
    assert len(addresses) >= 12
    for address in sorted(addresses):
        _go(signed_in, site.base_url + address)
        assert signed_in.page.locator("#main").inner_text()
        assert signed_in.take_complaints() == [], address


def test_people_are_listed_found_and_disabled(signed_in: Visit, site: Server) -> None:
    _go(signed_in, f"{site.base_url}/admin/accounts/user/")
    rows = signed_in.page.locator("#result_list tbody tr")
    shown = set(signed_in.page.locator("#result_list th.field-handle").all_inner_texts())
    assert shown == {"demo_admin", "demo_manager", "demo_member", "guarded"}
    signed_in.page.locator("#searchbar").fill("Hippar")  # the beginning of a name
    signed_in.page.locator("#searchbar").press("Enter")
    signed_in.page.wait_for_url("**/?q=Hippar")
    assert rows.count() == 1
    for label, becomes in (("Disable", "1 disabled."), ("Enable", "1 enabled.")):
        rows.locator("input.action-select").check()
        action = signed_in.page.locator("select[name=action]")
        action.select_option(action.locator("option", has_text=label).first.get_attribute("value"))
        signed_in.page.get_by_role("button", name="Run").click()
        signed_in.page.get_by_text(becomes).wait_for()
        assert rows.count() == 1


def test_a_person_is_renamed_on_their_page(signed_in: Visit, site: Server) -> None:
    _go(signed_in, f"{site.base_url}/admin/accounts/user/?q=demo_member")
    signed_in.page.get_by_role("link", name="demo_member").click()
    name = signed_in.page.locator("#id_name")
    was = name.input_value()
    for given in ("Hipparchia of Maroneia", was):
        name.fill(given)
        signed_in.page.get_by_role("button", name="Save and continue editing").click()
        signed_in.page.get_by_text("was changed successfully").wait_for()
        assert name.input_value() == given


def test_an_organization_is_suspended_and_reactivated(signed_in: Visit, site: Server) -> None:
    _go(signed_in, f"{site.base_url}/admin/organizations/organization/?q=Painted")
    for label, becomes, status in (
        ("Suspend", "1 suspended.", "SUSPENDED"),
        ("Reactivate", "1 reactivated.", "ACTIVE"),
    ):
        signed_in.page.locator("#result_list input.action-select").check()
        action = signed_in.page.locator("select[name=action]")
        action.select_option(action.locator("option", has_text=label).first.get_attribute("value"))
        signed_in.page.get_by_role("button", name="Run").click()
        signed_in.page.get_by_text(becomes).wait_for()
        assert signed_in.text("#result_list td.field-standing").upper() == status


def test_a_flag_is_rolled_out(signed_in: Visit, site: Server) -> None:
    _go(signed_in, f"{site.base_url}/admin/flags/featureflag/add/")
    signed_in.page.locator("#id_name").select_option("mentor_llm")
    signed_in.page.locator("#id_enabled").select_option("true")
    signed_in.page.locator("#id_percent").fill("25")
    signed_in.page.get_by_role("button", name="Save", exact=True).click()
    signed_in.page.get_by_text("was added successfully").wait_for()
    row = signed_in.page.locator("#result_list tr", has_text="mentor_llm")
    assert row.locator("td.field-percent").inner_text() == "25"
    assert row.locator("td.field-in_force").inner_text().upper() == "SOME"


def test_the_trail_is_filtered(signed_in: Visit, site: Server) -> None:
    _go(signed_in, f"{site.base_url}/admin/audit/auditrecord/")
    signed_in.page.locator(".filter-open-button").click()
    # Select2 stands in front of it.
    signed_in.page.locator("#filter-form select[name=action]").select_option("accounts.signed_in", force=True)
    signed_in.page.get_by_role("button", name="Apply").click()
    signed_in.page.wait_for_url("**action=accounts.signed_in**")
    assert set(signed_in.page.locator("#result_list td.field-action").all_inner_texts()) == {"accounts.signed_in"}


def test_the_second_step_stands_in_the_same_look(site: Server, go_to: GoTo) -> None:
    visit = go_to(f"{site.base_url}/admin/", width=360)
    _sign_in(visit, "guarded@example.org", "a-long-enough-passphrase")
    visit.page.get_by_label("Code of your authenticator app").fill("000000000")
    assert visit.style("form button", "background-color") == "oklch(0.508 0.128 244)"
    assert visit.fits_its_width()
    visit.page.get_by_role("button", name="Sign in").click()
    visit.page.get_by_text("The code is not right").wait_for()
    visit.page.get_by_label("Code of your authenticator app").fill(
        pyotp.TOTP("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").at(utc_now())
    )
    visit.page.get_by_role("button", name="Sign in").click()
    visit.page.locator("#nav-sidebar").wait_for(state="attached")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_page_is_readable_by_day_and_by_night(site: Server, go_to: GoTo, scheme: str) -> None:
    visit = go_to(f"{site.base_url}/admin/", scheme=scheme, width=360)
    _sign_in(visit, "admin@demo.stoa.test", "stoa-demo-admin")
    visit.page.locator("#figures a").first.wait_for()
    assert visit.page.locator("#figures a").count() == 8
    assert visit.page.locator("#acts tbody tr").count() >= 1
    ground = visit.style("#figures a >> nth=0", "background-color")
    assert (ground == "rgb(255, 255, 255)") is (scheme == "light")
    assert visit.fits_its_width()


def test_the_trail_leads_to_the_story_of_a_request(signed_in: Visit, site: Server) -> None:
    _go(signed_in, f"{site.base_url}/admin/audit/auditrecord/?q=accounts.signed_in")
    signed_in.page.locator("#result_list td.field-story a").first.click()
    signed_in.page.locator("#story").wait_for()
    assert "accounts.signed_in" in signed_in.text("#story")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_a_book_is_read_and_checked(site: Server, go_to: GoTo, scheme: str, width: int) -> None:
    visit = go_to(f"{site.base_url}/admin/", scheme=scheme, width=width)
    _sign_in(visit, "admin@demo.stoa.test", "stoa-demo-admin")
    visit.page.locator("#figures a").first.wait_for()
    for name, shown in (("tree", "#tree"), ("statements", ".sheet"), ("months", "svg[role=img] rect >> nth=11")):
        _go(visit, f"{site.base_url}/admin/books/01a218a4-ff0f-7fe8-be1b-f71638d98011/{name}/")
        visit.page.locator(shown).first.wait_for()
        assert visit.fits_its_width()
    visit.page.get_by_role("button", name="Check this book").click()
    assert visit.text("#verdict") == "Everything holds: 2 entries, 2 of them numbered."
    assert visit.fits_its_width()
