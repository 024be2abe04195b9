"""Being told once, reading, counting, and that everybody has only their own."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stoa.apps.accounts.tests.factories import Person
from stoa.apps.notifications.domain import Kind
from stoa.apps.notifications.models import Notification
from stoa.apps.notifications.services import forget_person, notify
from stoa.kit.ids import new_id
from stoa.platform.testing.client import ApiClient

LIST, COUNT, READ_ALL = (f"/api/v1/notifications{tail}" for tail in ("", "/unread-count", "/read-all"))


def tell(person: Person, times: int = 1) -> None:
    for _ in range(times):
        notify(user_id=person.user.pk, kind=Kind.ROLE_CHANGED, data={"organization": "Garden"}, dedupe_key=new_id())


def unread_of(api: ApiClient, person: Person) -> int:
    answer = api.bearer(person.access).read(COUNT)
    return int(answer.data["unread"])


def test_a_fact_is_told_once_however_often_its_event_comes(member: Person, outsider: Person) -> None:
    for _ in range(3):
        notify(user_id=member.user.pk, kind=Kind.INVITE, data={"role": "VIEWER"}, dedupe_key="invite:1")
    notify(user_id=outsider.user.pk, kind=Kind.INVITE, data={}, dedupe_key="invite:1")
    assert Notification.objects.filter(user_id=member.user.pk).count() == 1
    assert Notification.objects.filter(user_id=outsider.user.pk).count() == 1


def test_newest_first_in_the_language_asked_for(api: ApiClient, member: Person, outsider: Person) -> None:
    tell(outsider)
    data = {"organization": "Garden", "role": "VIEWER"}
    for kind in (Kind.INVITE, Kind.ROLE_CHANGED):
        notify(user_id=member.user.pk, kind=kind, data=data, dedupe_key=new_id())
    answer = api.send_json("GET", LIST, None, **member.bearer, Accept_Language="ru, en;q=0.5")
    assert [(row["type"], row["text"]) for row in answer.data] == [
        ("role_changed", "Ваша роль в Garden теперь VIEWER."),
        ("invite", "Вас приглашают в Garden, роль: VIEWER."),
    ]
    assert answer.data[0]["data"] == data
    assert answer.data[0]["read_at"] is None


@pytest.mark.parametrize("unread", ["true", "false"])
def test_a_page_of_twenty_is_one_query_after_the_callers_own(api: ApiClient, member: Person, unread: str) -> None:
    tell(member, 21)
    with CaptureQueriesContext(connection) as asked:
        answer = api.bearer(member.access).read(LIST, unread=unread)
    assert len(answer.data) == 20
    assert answer.meta["pagination"]["has_more"] is True
    assert len(asked) == 2
    rest = api.bearer(member.access).read(LIST, unread=unread, cursor=answer.meta["pagination"]["next_cursor"])
    assert len({row["id"] for row in answer.data + rest.data}) == 21


def test_reading_one_lowers_the_count_once(api: ApiClient, member: Person) -> None:
    tell(member, 2)
    assert unread_of(api, member) == 2
    first = api.bearer(member.access).read(LIST).data[0]["id"]
    marked = [api.bearer(member.access).send_json("POST", f"{LIST}/{first}/read").data["marked"] for _ in range(2)]
    assert marked == [1, 0]
    assert unread_of(api, member) == 1
    left = api.bearer(member.access).read(LIST, unread="true").data
    assert [row["id"] for row in left] == [str(Notification.objects.get(read_at=None).pk)]


def test_the_time_of_the_first_reading_stays(api: ApiClient, member: Person) -> None:
    tell(member)
    row = Notification.objects.get()
    times = []
    for _ in range(2):
        api.bearer(member.access).send_json("POST", f"{LIST}/{row.pk}/read")
        row.refresh_from_db()
        times.append(row.read_at)
    assert times[0] is not None
    assert times[0] == times[1]


def test_reading_all_leaves_others_alone(api: ApiClient, member: Person, outsider: Person) -> None:
    tell(member, 3)
    tell(outsider)
    assert api.bearer(member.access).send_json("POST", READ_ALL).data == {"marked": 3}
    assert (unread_of(api, member), unread_of(api, outsider)) == (0, 1)


def test_anothers_is_not_there_and_stays_unread(api: ApiClient, member: Person, outsider: Person) -> None:
    tell(outsider)
    row = Notification.objects.get()
    answer = api.bearer(member.access).send_json("POST", f"{LIST}/{row.pk}/read")
    assert (answer.status, answer.code) == (404, "NOT_FOUND")
    row.refresh_from_db()
    assert row.read_at is None
    assert api.bearer(member.access).read(LIST).data == []


def test_forgetting_a_person_deletes_theirs_alone(member: Person, outsider: Person) -> None:
    tell(member, 2)
    tell(outsider)
    assert forget_person(user_id=member.user.pk) == 2
    assert forget_person(user_id=member.user.pk) == 0
    assert Notification.objects.get().user_id == outsider.user.pk
