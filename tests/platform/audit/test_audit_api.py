"""`GET /api/v1/audit` and the trail's page in the admin: staff read, nobody else."""

from datetime import timedelta

import pytest
from django.test import Client

from stoa.apps.accounts.tests.factories import Person
from stoa.platform.audit.models import AuditRecord
from stoa.platform.audit.recording import record
from stoa.platform.audit.retention import erase_details
from stoa.platform.db.transactions import transaction
from stoa.platform.testing.client import ApiClient, envelope
from tests.platform.audit.trail import write

URL = "/api/v1/audit"


@pytest.fixture
def trail(db: None) -> None:
    write(3, actor="ada")
    with transaction():
        record(action="probe.read", object_type="book", object_id=1, actor_id="bob", address="203.0.113.7")


def acts(api: ApiClient, staff: Person, **query: str) -> list[tuple[str, str, str]]:
    found = envelope(api.get(URL, headers=staff.bearer, params=query))
    assert found.status == 200, found
    return [(act["action"], act["actor_id"], f"{act['object_type']}:{act['object_id']}") for act in found.data]


def test_only_staff_read_it(api: ApiClient, member: Person, trail: None) -> None:
    assert envelope(api.get(URL)).status == 401
    assert envelope(api.get(URL, headers=member.bearer)).status == 403


def test_newest_first_with_details(api: ApiClient, staff: Person, trail: None, django_assert_num_queries) -> None:
    with django_assert_num_queries(2):  # who asks, and the page
        found = envelope(api.get(URL, headers=staff.bearer))
    assert [act["object_id"] for act in found.data] == ["1", "2", "1", "0"]
    assert found.data[0]["detail"] == {"address": "203.0.113.7"}
    assert found.data[1]["detail"] == {"after": {"title": "note 2"}}
    erase_details(person_id="ada")
    erased = envelope(api.get(URL, headers=staff.bearer, params={"actor": "ada"}))
    assert [act["detail"] for act in erased.data] == [None, None, None]


def test_filters(api: ApiClient, staff: Person, trail: None) -> None:
    book = ("probe.read", "bob", "book:1")
    assert acts(api, staff, action="probe.read") == [book]
    assert acts(api, staff, actor="bob") == [book]
    assert acts(api, staff, object="book") == acts(api, staff, object="book:1") == [book]
    assert acts(api, staff, object="note:1") == [("probe.written", "ada", "note:1")]
    assert acts(api, staff, object="book:2") == []
    third = AuditRecord.objects.order_by("id")[2].at
    stamp = third.isoformat()
    assert acts(api, staff, **{"from": stamp})[-1] == ("probe.written", "ada", "note:2")
    assert len(acts(api, staff, to=stamp)) == 2
    assert acts(api, staff, **{"from": (third + timedelta(days=1)).isoformat()}) == []
    assert envelope(api.get(URL, headers=staff.bearer, params={"from": "yesterday"})).fields == {
        "from": ["an ISO-8601 time with its zone is expected"]
    }


def test_pages_by_cursor(api: ApiClient, staff: Person, trail: None) -> None:
    first = envelope(api.get(URL, headers=staff.bearer, params={"limit": "3"}))
    cursor = first.meta["pagination"]["next_cursor"]
    second = envelope(api.get(URL, headers=staff.bearer, params={"limit": "3", "cursor": cursor}))
    assert [act["object_id"] for act in first.data + second.data] == ["1", "2", "1", "0"]
    foreign = envelope(api.get(URL, headers=staff.bearer, params={"actor": "ada", "cursor": cursor}))
    assert foreign.status == 400


def test_the_admin_shows_it_and_edits_nothing(client: Client, staff: Person, trail: None) -> None:
    client.force_login(staff.user)
    page = client.get("/admin/audit/auditrecord/", {"q": "probe.read"})
    assert page.status_code == 200
    assert b"bob" in page.content
    assert b"probe.written" not in page.content.partition(b'id="result_list"')[2].partition(b"</table>")[0]
    row = AuditRecord.objects.get(action="probe.read")
    shown = client.get(f"/admin/audit/auditrecord/{row.pk}/change/")
    assert b"203.0.113.7" in shown.content
    assert b'name="_save"' not in shown.content
    assert client.post(f"/admin/audit/auditrecord/{row.pk}/delete/").status_code == 403
    assert client.get("/admin/audit/auditrecord/add/").status_code == 403


def test_an_offset_that_only_iso_8601_knows_is_a_time_as_any(api: ApiClient, staff: Person) -> None:
    answer = api.bearer(staff.access).read("/api/v1/audit", to="0044-05-10T17:44:11.65-17:03")
    assert (answer.status, answer.data) == (200, [])
