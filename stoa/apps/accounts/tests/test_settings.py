"""What a person writes about themselves: settings, birth data, time zone."""

from collections.abc import Mapping

import pytest
from django.db import IntegrityError, connection

from stoa.apps.accounts.models import User
from stoa.apps.accounts.tests.factories import Person
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.models import OutboxEvent
from stoa.platform.testing.client import ApiClient, Envelope

ME = "/api/v1/users/me"
BIRTH = {
    "date": "1990-02-03",
    "time": "04:05",
    "place": {"name": "Tbilisi", "lat": 41.7, "lon": 44.8, "timezone": "Asia/Tbilisi"},
}
DEFAULTS = {
    "privacy": "public",
    "dm_policy": "everyone",
    "language": "en",
    "push_enabled": True,
    "email_enabled": True,
    "digest_enabled": False,
    "quiet_hours": None,
}


def patch(api: ApiClient, person: Person, body: Mapping[str, object]) -> Envelope:
    return api.bearer(person.access).send_json("PATCH", ME, body)


def test_settings_begin_with_defaults_and_change_one_by_one(api: ApiClient, member: Person) -> None:
    assert api.bearer(member.access).read(ME).data["settings"] == DEFAULTS
    night = {"start": "22:00", "end": "07:00"}
    changes: list[dict[str, object]] = [
        {"privacy": "private"},
        {"dm_policy": "followed"},
        {"language": "ka"},
        {"push_enabled": False},
        {"email_enabled": False},
        {"digest_enabled": True},
        {"quiet_hours": night},
    ]
    expected: dict[str, object] = dict(DEFAULTS)
    for change in changes:
        expected |= change
        assert patch(api, member, {"settings": change}).data["settings"] == expected
    assert patch(api, member, {"settings": {}}).data["settings"] == expected
    assert patch(api, member, {"settings": {"quiet_hours": None}}).data["settings"] == {**expected, "quiet_hours": None}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"settings": {"privacy": "secret"}}, "settings.privacy"),
        ({"settings": {"privacy": None}}, "settings.privacy"),
        ({"settings": {"role": "admin"}}, "settings.role"),
        ({"settings": {"is_staff": True}}, "settings.is_staff"),
        ({"settings": {"push_enabled": "yes"}}, "settings.push_enabled"),
        ({"settings": {"quiet_hours": {"start": "22:00"}}}, "settings.quiet_hours.end"),
        ({"settings": {"quiet_hours": {"start": "24:00", "end": "07:00"}}}, "settings.quiet_hours.start"),
        ({"settings": {"quiet_hours": {"start": "22:00\n", "end": "07:00"}}}, "settings.quiet_hours.start"),
        ({"settings": []}, "settings"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"timezone": "/etc/localtime"}, "timezone"),
        ({"timezone": "Europe"}, "timezone"),
        ({"timezone": "asia/tbilisi "}, "timezone"),
        ({"timezone": ""}, "timezone"),
        ({"timezone": None}, "timezone"),
        ({"locale": "english"}, "locale"),
        ({"phone": "555"}, "phone"),
        ({"phone": "+995 555 123456"}, "phone"),
        ({"bio": "x" * 501}, "bio"),
        ({"birth": {"date": "1990-02-30"}}, "birth.date"),
        ({"birth": {"date": "2999-01-01"}}, "birth.date"),
        ({"birth": {"date": "1490-01-01"}}, "birth.date"),
        ({"birth": {"date": "1990-02-03", "time": "4:05"}}, "birth.time"),
        ({"birth": {"date": "1990-02-03", "place": {"name": "x", "lat": 91, "lon": 0}}}, "birth.place.lat"),
        ({"birth": {"date": "1990-02-03", "place": {"name": "x", "lat": 0, "lon": -180.5}}}, "birth.place.lon"),
        ({"birth": {"date": "1990-02-03", "place": {"name": "x", "lat": "1", "lon": 0}}}, "birth.place.lat"),
        ({"birth": {"time": "04:05"}}, "birth.date"),
        ({"birth": {**BIRTH, "place": {**BIRTH["place"], "timezone": "../x"}}}, "birth.place.timezone"),  # type: ignore[dict-item]
    ],
)
def test_what_cannot_be_kept_is_422_and_changes_nothing(
    api: ApiClient, member: Person, body: dict[str, object], field: str
) -> None:
    before = User.objects.filter(pk=member.user.pk).values_list("name", "version", "privacy", "timezone").get()
    answer = patch(api, member, {"name": "Other", **body})
    assert (answer.status, answer.code, list(answer.fields)) == (422, "VALIDATION_ERROR", [field])
    assert User.objects.filter(pk=member.user.pk).values_list("name", "version", "privacy", "timezone").get() == before
    assert OutboxEvent.objects.count() == 0


def test_birth_data_and_phone_come_back_and_are_ciphertext_in_the_table(api: ApiClient, member: Person) -> None:
    body = {"birth": BIRTH, "phone": "+995555123456", "bio": "", "locale": "ka-GE", "timezone": "Asia/Tbilisi"}
    answer = patch(api, member, body)
    assert {name: answer.data[name] for name in body} == body
    assert api.bearer(member.access).read(ME).data == answer.data
    with connection.cursor() as cursor:
        cursor.execute("SELECT phone, birth FROM accounts_user WHERE handle = %s", [member.user.handle])
        phone, birth = cursor.fetchone()
    assert "995555" not in phone
    assert "1990" not in birth
    # A part that is not given is none: birth data are one whole.
    assert patch(api, member, {"birth": {"date": "1991-01-01"}}).data["birth"] == {
        "date": "1991-01-01",
        "time": None,
        "place": None,
    }
    cleared = patch(api, member, {"birth": None, "phone": None}).data
    assert (cleared["birth"], cleared["phone"], cleared["bio"]) == (None, None, "")


def test_the_event_tells_who_and_nothing_of_what(api: ApiClient, member: Person) -> None:
    assert patch(api, member, {"name": "Changed Name", "birth": BIRTH}).status == 200
    (event,) = OutboxEvent.objects.all()
    assert (event.name, event.key) == ("accounts.profile_changed", str(member.user.pk))
    assert "Changed" not in event.payload
    assert "1990" not in event.payload


@pytest.mark.parametrize(
    "change", [{"privacy": "x"}, {"dm_policy": "x"}, {"language": "xx"}, {"quiet_from": "22:00"}], ids=str
)
def test_the_database_itself_refuses_what_no_setting_is(member: Person, change: dict[str, str]) -> None:
    with pytest.raises(IntegrityError), transaction():
        User.objects.filter(pk=member.user.pk).update(**change)
