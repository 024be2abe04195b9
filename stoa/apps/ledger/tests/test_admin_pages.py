"""The books in the admin: shown whole, changed by nobody."""

from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from stoa.apps.accounts.tests.factories import Person
from stoa.apps.ledger.contracts import CURE
from stoa.apps.ledger.models import Account, Entry, Period
from stoa.apps.ledger.services.journal import AskedEntry, AskedLine
from stoa.apps.ledger.services.periods import add_period
from stoa.apps.ledger.services.posting import reverse_entry
from stoa.apps.ledger.services.quarantine import cure_record, quarantine_entry
from stoa.apps.ledger.services.sealing import seal_entries
from stoa.apps.ledger.tests.factories import AT, Books
from stoa.kit.ids import new_uuid
from stoa.platform.approvals.public import grant
from stoa.platform.db.tenant import tenant_scope
from stoa.runtime import context

pytestmark = pytest.mark.django_db
ADMIN = "/admin/ledger"


@pytest.fixture
def browser(staff: Person) -> Client:
    client = Client()
    client.force_login(staff.user)
    return client


@pytest.fixture
def books() -> Books:
    return Books()


def page(client: Client, path: str) -> str:
    answer = client.get(f"{ADMIN}/{path}/")
    assert answer.status_code == 200
    return " ".join(unescape(answer.content.decode()).split())


def listed(client: Client, name: str, **query: str) -> list[str]:
    answer = client.get(f"{ADMIN}/{name}/", query)
    assert answer.status_code == 200
    return [str(row.pk) for row in answer.context_data["cl"].result_list]  # type: ignore[index]


def test_an_entry_shows_its_lines_and_its_causes(browser: Client, books: Books) -> None:
    with context.scope(request_id="a-request-of-its-own"):
        posted = books.move("cash", "equity", 7_00, description="Till filled").entry_id
    taken_back = reverse_entry(book_id=books.id, entry_id=posted, key="back").entry_id
    seal_entries()
    shown = page(browser, f"entry/{posted}/change")
    words = " ".join(strip_tags(shown.replace("<", " <")).split())
    assert "1000 Cash 7.00 USD" in words
    assert "3000 Owner's equity 7.00 USD" in words
    with tenant_scope(books.id):
        entry = Entry.objects.select_related("seal").get(pk=posted)
    assert bytes(entry.digest).hex() in words
    assert bytes(entry.seal.hash).hex() in words
    assert f"ledger manual {posted} in {books.id}" in words
    assert "event ledger.entry_posted" in words
    assert (f"/admin/ledger/entry/{taken_back}/change/" in shown, "a-request-of-its-own" in shown) == (True, True)
    assert f"/admin/ledger/entry/{posted}/change/" in page(browser, f"entry/{taken_back}/change")
    assert listed(browser, "entry", q="a-request-of-its-own") == [str(posted)]
    assert set(listed(browser, "entry", q=str(books.id))) == {str(posted), str(taken_back)}


def test_lists_ask_the_same_however_many_rows_there_are(browser: Client, books: Books) -> None:
    asked = []
    for _ in range(2):
        for _ in range(5):
            books.move("cash", "equity", 5)
        with CaptureQueriesContext(connection) as queries:
            listed(browser, "account", q=str(books.id))
            listed(browser, "entry", q=str(books.id))
        asked.append(len(queries))
    assert asked[0] == asked[1]


def test_nothing_can_be_changed(browser: Client, books: Books) -> None:
    posted = books.move("cash", "equity", 5).entry_id
    period = add_period(book_id=books.id, name="P", starts_at=AT, ends_at=AT.replace(year=2027)).id
    for path in (f"entry/{posted}", f"account/{books['cash']}", f"period/{period}", f"book/{books.id}"):
        assert "_save" not in page(browser, f"{path}/change")
        assert browser.post(f"{ADMIN}/{path}/change/", {"name": "x", "description": "x"}).status_code == 403
        assert browser.post(f"{ADMIN}/{path}/delete/", {"post": "yes"}).status_code == 403
    assert browser.get(f"{ADMIN}/entry/add/").status_code == 403
    with tenant_scope(books.id):
        assert (Entry.objects.get().description, Account.objects.get(role="cash").name) == ("", "Cash")
        assert Period.objects.get().name == "P"


def test_what_is_set_aside_shows_its_cure(browser: Client, books: Books) -> None:
    entry_id = books.move("cash", "equity", 5_000_00).entry_id
    made = quarantine_entry(book_id=books.id, entry_id=entry_id, reason="Twice the price", by=new_uuid())
    lines = [
        AskedLine(account_id=books["equity"], debit="2000.00"),
        AskedLine(account_id=books["cash"], credit="2000.00"),
    ]
    asked = cure_record(
        book_id=books.id,
        quarantine_id=made.id,
        asked=AskedEntry(lines=lines),
        reason="Half of it back",
        key="cure",
        by=new_uuid(),
    )
    assert "Half of it back" in listed_approvals(browser, str(made.id))
    assert asked.approval_id is not None
    grant(org_id=books.id, action=CURE, approval_id=asked.approval_id, by=new_uuid())
    shown = page(browser, f"quarantined/{made.id}/change")
    assert all(word in shown for word in ("Twice the price", "Half of it back", "cured", str(entry_id)))
    assert "_save" not in shown
    for query in (str(books.id), str(entry_id)):
        assert listed(browser, "quarantined", q=query) == [str(made.id)]
    assert listed(browser, "quarantined", q="nothing") == []


def listed_approvals(client: Client, subject: str) -> str:
    answer = client.get("/admin/approvals/approval/", {"q": subject})
    [row] = answer.context_data["cl"].result_list  # type: ignore[index]
    return str(row.reason)
