"""Lists over HTTP: cursors that belong to one person and one list, limits, numbered pages, and the count of queries."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stoa.apps.accounts.tests.factories import Person, make_person
from stoa.kit.errors import Malformed
from stoa.platform.http.pages import PageQuery, keyset_page
from stoa.platform.testing.client import ApiClient, Envelope
from tests.probe.http import shape
from tests.probe.models import Note

NOTES = "/api/v1/probe/notes"
START = datetime(2026, 1, 1, tzinfo=UTC)


def write(person: Person, count: int, *, first: int = 0, title: str = "note") -> list[Note]:
    """Every two of them at the same time."""
    return Note.objects.bulk_create(
        Note(title=f"{title} {n}", owner_id=person.user.pk, created_at=START + timedelta(seconds=n // 2))
        for n in range(first, first + count)
    )


def pages_of(answer: Envelope) -> dict[str, Any]:
    pagination: dict[str, Any] = answer.meta["pagination"]
    return pagination


def expected(person: Person) -> list[str]:
    rows = Note.objects.filter(owner_id=person.user.pk).order_by("-created_at", "-id")
    return [str(pk) for pk in rows.values_list("pk", flat=True)]


def test_a_walk_there_and_back_while_rows_come_and_go(api: ApiClient, member: Person) -> None:
    lasting = set(map(str, (note.pk for note in write(member, 11))))
    caller = api.bearer(member.access)
    answer, seen = caller.read(NOTES, limit=3), []
    for turn in range(20):
        seen += [row["id"] for row in answer.data]
        cursor = pages_of(answer)["next_cursor"]
        assert pages_of(answer)["has_more"] is (cursor is not None)
        if cursor is None:
            break
        write(member, 2, first=100 + turn, title=f"newer {turn}")
        lasting.discard(answer.data[-1]["id"])
        Note.objects.filter(pk=answer.data[-1]["id"]).delete()
        answer = caller.read(NOTES, limit=3, cursor=cursor)
    assert len(seen) == len(set(seen)) == 11
    assert lasting <= set(seen)
    back = [row["id"] for row in answer.data]
    while (cursor := pages_of(answer)["prev_cursor"]) is not None:
        answer = caller.read(NOTES, limit=3, cursor=cursor)
        back = [row["id"] for row in answer.data] + back
    assert back == expected(member)


def test_the_pagination_of_first_middle_and_last(api: ApiClient, member: Person) -> None:
    write(member, 5)
    caller = api.bearer(member.access)
    first = caller.read(NOTES, limit=2)
    middle = caller.read(NOTES, limit=2, cursor=pages_of(first)["next_cursor"])
    last = caller.read(NOTES, limit=2, cursor=pages_of(middle)["next_cursor"])
    assert set(pages_of(first)) == {"limit", "next_cursor", "prev_cursor", "has_more"}
    assert (pages_of(first)["prev_cursor"], pages_of(first)["has_more"], pages_of(first)["limit"]) == (None, True, 2)
    assert pages_of(middle)["has_more"] is True
    assert pages_of(middle)["prev_cursor"] is not None
    assert (pages_of(last)["next_cursor"], pages_of(last)["has_more"]) == (None, False)
    assert [len(page.data) for page in (first, middle, last)] == [2, 2, 1]


def test_an_empty_list_has_no_cursors(api: ApiClient, member: Person) -> None:
    answer = api.bearer(member.access).read(NOTES)
    assert answer.data == []
    assert pages_of(answer) == {"limit": 20, "next_cursor": None, "prev_cursor": None, "has_more": False}


def test_twenty_rows_by_default_and_a_hundred_at_most(api: ApiClient, member: Person) -> None:
    write(member, 101)
    caller = api.bearer(member.access)
    assert len(caller.read(NOTES).data) == 20
    assert len(caller.read(NOTES, limit=100).data) == 100
    assert len(caller.read(NOTES, limit=1).data) == 1


@pytest.mark.parametrize("limit", ["0", "-1", "101", "1.5", "ten", "", "99999999999999999999", "１０"])
def test_other_limits_are_refused(api: ApiClient, member: Person, limit: str) -> None:
    answer = api.bearer(member.access).read(NOTES, limit=limit)
    assert (answer.status, answer.code, list(answer.fields)) == (422, "VALIDATION_ERROR", ["limit"])


def test_the_raw_form_of_a_list(api: ApiClient, member: Person) -> None:
    write(member, 3)
    headers = {**member.bearer, "Accept": "application/json;profile=raw"}
    raw = api.get(NOTES, params={"limit": 2}, headers=headers).json()
    assert set(raw) == {"results", "next", "previous"}
    assert len(raw["results"]) == 2
    assert raw["previous"] is None
    rest = api.get(NOTES, params={"limit": 2, "cursor": raw["next"]}, headers=headers).json()
    assert [row["id"] for row in raw["results"] + rest["results"]] == expected(member)


def refused(answer: Envelope) -> bool:
    return (answer.status, answer.code, answer.data) == (400, "BAD_REQUEST", None)


def test_a_tampered_cursor_is_refused(api: ApiClient, member: Person) -> None:
    write(member, 3)
    caller = api.bearer(member.access)
    cursor = pages_of(caller.read(NOTES, limit=1))["next_cursor"]
    payload, _, signature = cursor.partition(".")
    flipped = ("A" if payload[0] != "A" else "B") + payload[1:]
    forgeries = [f"{flipped}.{signature}", payload, f"{payload}.", f".{signature}", cursor[:-1], "x", "é", f"{cursor}="]
    assert [refused(caller.read(NOTES, limit=1, cursor=forged)) for forged in forgeries] == [True] * len(forgeries)
    assert caller.read(NOTES, limit=1, cursor=cursor).status == 200


def test_a_cursor_works_for_its_own_person_list_and_filters_only(api: ApiClient, member: Person) -> None:
    write(member, 3)
    other = make_person("Other")
    write(other, 3)
    caller = api.bearer(member.access)
    plain = pages_of(caller.read(NOTES, limit=1))["next_cursor"]
    filtered = pages_of(caller.read(NOTES, limit=1, title="note"))["next_cursor"]
    assert refused(api.bearer(other.access).read(NOTES, limit=1, cursor=plain))
    assert refused(caller.read(NOTES, limit=1, cursor=plain, title="note"))
    assert refused(caller.read(NOTES, limit=1, cursor=filtered))
    assert refused(caller.read(NOTES, limit=1, cursor=filtered, title="not"))
    assert refused(caller.read("/api/v1/auth/sessions", limit=1, cursor=plain))
    assert caller.read(NOTES, limit=2, cursor=filtered, title="note").status == 200


def test_a_cursor_of_another_route_or_order_is_refused_though_all_else_is_equal(member: Person) -> None:
    write(member, 3)
    rows = Note.objects.all()
    page = keyset_page(rows, PageQuery(limit=1, cursor=None), route="a", order=("-created_at", "-id"), shape=shape)
    query = PageQuery(limit=1, cursor=page.pagination["next_cursor"])
    assert len(keyset_page(rows, query, route="a", order=("-created_at", "-id"), shape=shape).items) == 1
    for route, order in (("b", ("-created_at", "-id")), ("a", ("created_at", "id"))):
        with pytest.raises(Malformed):
            keyset_page(rows, query, route=route, order=order, shape=shape)


def test_a_list_is_one_query_after_the_callers_own(api: ApiClient, member: Person) -> None:
    caller = api.bearer(member.access)
    counts = []
    for count in (0, 1, 40):
        write(member, count, first=count)
        with CaptureQueriesContext(connection) as queries:
            assert caller.read(NOTES, limit=30).status == 200
        counts.append(len(queries))
    assert counts == [2, 2, 2]


def test_numbered_pages_count_themselves(api: ApiClient, staff: Person, member: Person) -> None:
    write(member, 5)
    caller = api.bearer(staff.access)
    with CaptureQueriesContext(connection) as queries:
        first = caller.read("/api/v1/probe/table", limit=2)
    assert len(queries) == 3
    shown = {"page": 1, "limit": 2, "total": 5, "total_pages": 3, "has_next": True, "has_prev": False}
    assert pages_of(first) == shown
    last = caller.read("/api/v1/probe/table", limit=2, page=3)
    assert pages_of(last) == {**shown, "page": 3, "has_next": False, "has_prev": True}
    beyond = caller.read("/api/v1/probe/table", limit=2, page=4)
    assert (beyond.data, pages_of(beyond)["has_next"]) == ([], False)
    rows = first.data + caller.read("/api/v1/probe/table", limit=2, page=2).data + last.data
    assert len({row["id"] for row in rows}) == 5


def test_an_empty_table_has_no_page(api: ApiClient, staff: Person) -> None:
    assert pages_of(api.bearer(staff.access).read("/api/v1/probe/table")) == {
        "page": 1,
        "limit": 20,
        "total": 0,
        "total_pages": 0,
        "has_next": False,
        "has_prev": False,
    }


@pytest.mark.parametrize("page", ["0", "-1", "100001", "one"])
def test_other_page_numbers_are_refused(api: ApiClient, staff: Person, page: str) -> None:
    answer = api.bearer(staff.access).read("/api/v1/probe/table", page=page)
    assert (answer.status, list(answer.fields)) == (422, ["page"])
