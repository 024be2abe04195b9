"""A book's pages in the admin: its tree, its statements, its months, a check of it."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from stoa.apps.accounts.tests.factories import Person, make_person
from stoa.apps.ledger.contracts import AccountType
from stoa.apps.ledger.services.accounts import open_account
from stoa.apps.ledger.services.holds import hold_funds, post_hold
from stoa.apps.ledger.services.overview import account_tree, months_of, verify_within
from stoa.apps.ledger.services.sealing import seal_entries
from stoa.apps.ledger.tests.factories import Books
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_uuid

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(staff: Person) -> Client:
    client = Client()
    client.force_login(staff.user)
    return client


@pytest.fixture
def books() -> Books:
    return Books()


def words(html: str) -> str:
    return " ".join(unescape(strip_tags(html.replace("<", " <"))).split())


def page(client: Client, books: Books, name: str, **query: str) -> str:
    answer = client.get(f"/admin/books/{books.id}/{name}/", query)
    assert answer.status_code == 200
    return answer.content.decode()


def named(books: Books, code: str, name: str) -> UUID:
    return open_account(book_id=books.id, code=code, name=name, account_type=AccountType.ASSET, currency="USD").id


def test_parents_carry_what_is_below_them(browser: Client, books: Books) -> None:
    till = open_account(
        book_id=books.id,
        code="1001",
        name="Till",
        account_type=AccountType.ASSET,
        currency="USD",
        parent_id=books["cash"],
    ).id
    books.move("cash", "sales_revenue", 1_250_00)
    books.move(till, "sales_revenue", 1_000_000_00)
    shown = words(page(browser, books, "tree"))
    assert "Asset 1,001,250.00 USD" in shown
    assert "1000 Cash 1,001,250.00 USD 1001 Till 1,000,000.00 USD" in shown
    assert "Revenue 1,001,250.00 USD" in shown
    tree = account_tree(book_id=books.id)
    [asset, *_] = tree.branches
    assert [(node.code, node.depth) for node in asset.nodes if node.code in {"1000", "1001"}] == [
        ("1000", 0),
        ("1001", 1),
    ]
    assert not tree.is_cut


def test_the_thousands_of_another_app_are_one_row(books: Books) -> None:
    before = len([node for branch in account_tree(book_id=books.id).branches for node in branch.nodes])
    for number in range(3):
        books.account(f"w{number}", owner="wallet", kind="liability")
    tree = account_tree(book_id=books.id)
    nodes = [node for branch in tree.branches for node in branch.nodes]
    assert (len(nodes), [node.name for node in nodes if node.id is None]) == (before + 1, ["3 accounts of wallet"])


def test_statements_tie_out_now_and_at_an_instant(browser: Client, books: Books) -> None:
    books.move("cash", "sales_revenue", 1_250_00, at=datetime(2026, 3, 1, tzinfo=UTC))
    books.move("fees", "cash", 50_00, at=datetime(2026, 4, 1, tzinfo=UTC))
    seal_entries()
    now = words(page(browser, books, "statements"))
    for told in (
        "As of now, as numbered up to 2",
        "Total assets 1,200.00",
        "Earnings not yet closed 1,200.00",
        "Liabilities, equity and earnings 1,200.00",
        "Difference 0.00",
        "4000 Sales revenue 1,250.00",
        "Total 1,250.00 1,250.00",
    ):
        assert told in now
    then = words(page(browser, books, "statements", until="2026-04-01"))
    assert "Everything before 2026-04-01 00:00:00 UTC" in then
    assert "Total assets 1,250.00" in then
    assert "Fees" not in then
    after = words(page(browser, books, "statements", until="2026-04-01T03:00:01+03:00"))
    assert "Total assets 1,200.00" in after


@pytest.mark.parametrize("said", ["soon", "2026-13-01", "0001-01-01", "2026-01-01T00:00+99:00", "9" * 40, "\x00"])
def test_what_is_no_instant_is_said_so(browser: Client, books: Books, said: str) -> None:
    answer = browser.get(f"/admin/books/{books.id}/statements/", {"until": said})
    assert (answer.status_code, "Not an instant" in answer.content.decode()) == (400, True)


def test_months_are_drawn_with_their_sums(browser: Client, books: Books) -> None:
    now = datetime(2026, 3, 20, tzinfo=UTC)
    for month, amount in (
        (datetime(2024, 1, 5, tzinfo=UTC), 1_00),
        (datetime(2026, 2, 28, tzinfo=UTC), 20_00),
        (now, 5_00),
    ):
        books.move("cash", "sales_revenue", amount, at=month)
    books.move("fees", "cash", 40_00, at=now)
    [months] = months_of(book_id=books.id, now=now).values()
    assert [f"{each.starts_at:%Y-%m}" for each in months][::11] == ["2025-04", "2026-03"]
    assert [each.revenue.minor for each in months] == [0] * 10 + [20_00, 5_00]
    assert [each.cash.minor for each in months] == [1_00] * 10 + [21_00, -14_00]
    books.move("cash", "sales_revenue", 7_00, at=utc_now() - timedelta(seconds=1))
    drawn = page(browser, books, "months")
    assert (drawn.count("<svg viewBox"), drawn.count("<rect x=")) == (2, 24)
    assert all(float(value) >= 0 for value in re.findall(r'height="([-0-9.]+)" rx', drawn))


def test_a_check_tells_its_verdict(browser: Client, books: Books) -> None:
    books.move("cash", "equity", 5_00)
    seal_entries()
    answer = browser.post(f"/admin/books/{books.id}/check/")
    assert "Everything holds: 1 entries, 1 of them numbered." in words(answer.content.decode())
    assert browser.get(f"/admin/books/{books.id}/check/").status_code == 405
    ticked = {"action": "check_books", "_selected_action": [str(books.id)]}
    assert "1 hold." in browser.post("/admin/ledger/book/", ticked, follow=True).content.decode()
    assert verify_within(book_id=books.id, within_s=0) is None


def test_they_are_for_staff_who_may(books: Books) -> None:
    looker, nobody, outsider = (
        make_person("Looker", is_staff=True),
        make_person("Nobody", is_staff=True),
        make_person("Out"),
    )
    looker.user.user_permissions.add(Permission.objects.get(codename="view_book"))
    names = ("tree", "statements", "months")
    for person, status in ((looker, 200), (nobody, 403), (outsider, 302)):
        client = Client()
        client.force_login(person.user)
        assert [client.get(f"/admin/books/{books.id}/{name}/").status_code for name in names] == [status] * 3
        refused = 302 if person is outsider else 403
        assert client.post(f"/admin/books/{books.id}/check/").status_code == refused


def test_what_is_not_there_is_404(browser: Client, books: Books) -> None:
    assert browser.get(f"/admin/books/{books.id}/secrets/").status_code == 404
    assert browser.get(f"/admin/books/{new_uuid()}/tree/").status_code == 404


def test_names_are_text_whatever_stands_in_them(browser: Client, books: Books) -> None:
    evil, long = "<script>alert(1)</script>", "Очень длинное название счёта " * 4
    for code, name in (("a", evil), ("b", long)):
        account = named(books, code, name[:120])
        books.move(account, "equity", 5_00, description=evil)
    for name in ("tree", "statements"):
        shown = page(browser, books, name)
        assert evil not in shown
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
        assert "Очень длинное" in shown


def test_their_queries_are_counted(browser: Client, books: Books) -> None:
    asked: list[list[int]] = []
    for _ in range(2):
        for number in range(4):
            books.move(books.account(f"{len(asked)}-{number}"), "sales_revenue", 5_00, at=utc_now() - timedelta(days=1))
        counts = []
        for name in ("tree", "statements", "months"):
            with CaptureQueriesContext(connection) as queries:
                page(browser, books, name)
            counts.append(len([each for each in queries if "ledger_" in each["sql"]]))
        asked.append(counts)
    assert asked == [[4, 8, 3]] * 2


def test_an_entry_names_its_hold_and_its_digest(browser: Client, books: Books) -> None:
    purse = books.account("purse", floor=0, kind="liability")
    books.move("cash", purse, 100)
    hold = hold_funds(
        book_id=books.id, account_id=purse, amount_minor=60, key="h", expires_at=utc_now() + timedelta(hours=1)
    )
    posted = post_hold(book_id=books.id, hold_id=hold.id, draft=books.draft(books.between(purse, books["cash"], 50)))
    shown = words(browser.get(f"/admin/ledger/entry/{posted.entry_id}/change/").content.decode())
    assert f"hold {hold.id} posted" in shown
    assert "not numbered yet" in shown
