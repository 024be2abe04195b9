"""Devices for push: kept once, moved with their token, removed."""

from stoa.apps.accounts.models import PushDevice
from stoa.apps.accounts.tests.factories import Person
from stoa.platform.testing.client import ApiClient, Envelope

DEVICES = "/api/v1/users/me/devices"
PHONE = {"platform": "ios", "token": "a-token-of-apple", "name": "My phone"}


def keep(api: ApiClient, person: Person, **changes: str) -> Envelope:
    return api.bearer(person.access).send_json("POST", DEVICES, {**PHONE, **changes})


def test_a_token_is_kept_once_and_renewed(api: ApiClient, member: Person) -> None:
    first = keep(api, member)
    again = keep(api, member, name="Renamed")
    assert (first.status, again.status) == (201, 201)
    assert first.data["id"] == again.data["id"]
    assert set(again.data) == {"id", "platform", "name", "created_at", "seen_at"}
    (row,) = PushDevice.objects.all()
    assert (row.name, row.token) == ("Renamed", PHONE["token"])
    assert PHONE["token"] not in str(PushDevice.objects.values().get())
    assert PHONE["token"] not in str(api.bearer(member.access).read(DEVICES))


def test_the_same_text_of_another_platform_is_another_device(api: ApiClient, member: Person) -> None:
    keep(api, member)
    keep(api, member, platform="web")
    assert PushDevice.objects.count() == 2


def test_a_token_that_moves_to_another_account_leaves_the_first(
    api: ApiClient, member: Person, outsider: Person
) -> None:
    theirs = keep(api, member).data["id"]
    mine = keep(api, outsider).data["id"]
    assert theirs != mine
    assert [row.user_id for row in PushDevice.objects.all()] == [outsider.user.pk]
    assert api.bearer(member.access).read(DEVICES).data == []
    assert api.bearer(member.access).send_json("DELETE", f"{DEVICES}/{theirs}").status == 404
    assert PushDevice.objects.get().token == PHONE["token"]


def test_only_ones_own_are_listed_and_removed(api: ApiClient, member: Person, outsider: Person) -> None:
    device = keep(api, member).data["id"]
    keep(api, outsider, token="another")
    assert [each["id"] for each in api.bearer(member.access).read(DEVICES).data] == [device]
    assert api.bearer(outsider.access).send_json("DELETE", f"{DEVICES}/{device}").status == 404
    assert PushDevice.objects.count() == 2
    assert api.bearer(member.access).send_json("DELETE", f"{DEVICES}/{device}").data == {"removed": True}
    assert api.bearer(member.access).send_json("DELETE", f"{DEVICES}/{device}").status == 404


def test_a_page_of_devices_is_one_query(api: ApiClient, member: Person, django_assert_num_queries: object) -> None:
    for number in range(3):
        keep(api, member, token=f"token {number}")
    with django_assert_num_queries(2):  # type: ignore[operator]  # the caller's session, and the page
        page = api.bearer(member.access).read(DEVICES, limit=2)
    assert (len(page.data), page.meta["pagination"]["has_more"]) == (2, True)
    rest = api.bearer(member.access).read(DEVICES, limit=2, cursor=page.meta["pagination"]["next_cursor"])
    assert len(rest.data) == 1


def test_what_is_no_device_is_422(api: ApiClient, member: Person) -> None:
    for change in ({"platform": "fridge"}, {"token": ""}, {"token": "x" * 4097}, {"name": "x" * 121}):
        assert keep(api, member, **change).fields.keys() == set(change)
    assert PushDevice.objects.count() == 0
