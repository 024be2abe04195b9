"""Lists of the admin read a page by one query, count nothing, and end where an offset would cost too much."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from stoa.apps.accounts.tests.factories import Person
from stoa.kit.clock import utc_now
from stoa.platform.admin_pages import paging
from stoa.platform.audit.models import AuditRecord

LIST = "/admin/audit/auditrecord/"


@pytest.fixture
def trail(client: Client, staff: Person) -> Client:
    client.force_login(staff.user)
    AuditRecord.objects.bulk_create(
        AuditRecord(at=utc_now(), action="probe.read", object_id=f"{n}") for n in range(120)
    )
    return client


def test_pages_follow_each_other_and_end(trail: Client) -> None:
    seen = []
    for number, link in (("1", "Older"), ("2", "Older"), ("3", "That is all.")):
        page = trail.get(LIST, {"q": "probe.read", "p": number})
        assert link in page.content.decode()
        seen += [row.object_id for row in page.context_data["cl"].result_list]
    assert seen == [str(number) for number in reversed(range(120))]
    beyond = trail.get(LIST, {"q": "probe.read", "p": "4"})
    assert (beyond.status_code, beyond["Location"]) == (302, f"{LIST}?e=1")


@pytest.mark.parametrize("number", ["0", "-3"])
def test_there_is_no_page_before_the_first(trail: Client, number: str) -> None:
    assert trail.get(LIST, {"p": number}).status_code == 302


def test_a_list_is_read_by_one_query_and_nothing_is_counted(trail: Client) -> None:
    with CaptureQueriesContext(connection) as caught:
        assert trail.get(LIST, {"q": "probe.read"}).status_code == 200
    of_trail = [query["sql"] for query in caught if 'FROM "audit_record"' in query["sql"]]
    assert len(of_trail) == 1
    assert [query["sql"] for query in caught if "COUNT(" in query["sql"].upper()] == []


def test_what_lies_too_far_back_is_for_searches(trail: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "DEEPEST", 100)
    last = trail.get(LIST, {"q": "probe.read", "p": "2"})
    assert "search or filter for older ones" in last.content.decode()
    assert len(last.context_data["cl"].result_list) == 50
    assert trail.get(LIST, {"q": "probe.read", "p": "3"}).status_code == 302
