"""Registering over HTTP: what makes an account, what is refused, and that a refusal makes nothing."""

import pytest
from django.db import IntegrityError, connection

from stoa.apps.accounts.models import Session, User
from stoa.apps.accounts.tests.factories import PASSWORD, Person, make_user
from stoa.platform.db.transactions import transaction
from stoa.platform.testing.client import ApiClient, Envelope

REGISTER = "/api/v1/auth/register"
ANN = {"email": "Ann@Example.org", "password": PASSWORD, "name": "Ann"}


def register(api: ApiClient, **changes: object) -> Envelope:
    body = {name: value for name, value in {**ANN, **changes}.items() if value is not ...}
    return api.send_json("POST", REGISTER, body)


def test_an_account_is_made_and_signed_in(api: ApiClient, db: None) -> None:
    answer = register(api, handle="ann")
    assert answer.status == 201
    assert set(answer.data) == {"user", "access", "refresh"}
    profile = answer.data["user"]
    assert set(profile) == {"id", "email", "handle", "name", "is_staff", "created_at"}
    assert (profile["email"], profile["handle"], profile["name"]) == ("ann@example.org", "ann", "Ann")
    user = User.objects.get()
    assert (str(user.pk), user.email, user.is_staff, user.is_superuser) == (
        profile["id"],
        "ann@example.org",
        False,
        False,
    )
    assert user.password.startswith("argon2$argon2id$")
    own = api.bearer(answer.data["access"]).read("/api/v1/users/me").data
    assert {name: own[name] for name in profile} == profile


def test_no_secret_is_stored_as_it_was_given(api: ApiClient, db: None) -> None:
    answer = register(api)
    session = Session.objects.get()
    _, family, secret = answer.data["refresh"].split(".")
    assert not {family, secret} & {session.refresh_hash, session.family_hash}
    assert len(session.refresh_hash) == len(session.family_hash) == 64


def test_a_handle_is_derived_when_none_is_chosen(api: ApiClient, db: None) -> None:
    first = register(api).data["user"]["handle"]
    second = register(api, email="ann@example.com").data["user"]["handle"]
    assert first.startswith("ann_")
    assert second.startswith("ann_")
    assert first != second


def test_full_name_is_another_word_for_name(api: ApiClient, db: None) -> None:
    assert register(api, name=..., full_name="Ann Smith").data["user"]["name"] == "Ann Smith"


@pytest.mark.parametrize("email", ["ann@example.org", "ANN@EXAMPLE.ORG", " Ann@example.org ", "ａnn@example.org"])
def test_one_address_makes_one_account_however_it_is_written(api: ApiClient, db: None, email: str) -> None:
    assert register(api).status == 201
    answer = register(api, email=email, password="another-long-passphrase")
    assert (answer.status, answer.code, answer.data) == (409, "EMAIL_TAKEN", None)
    assert User.objects.count() == Session.objects.count() == 1
    login = {"email": "ann@example.org", "password": PASSWORD}
    assert api.send_json("POST", "/api/v1/auth/login", login).status == 200


@pytest.mark.parametrize("handle", ["ann", "email_fan"])
def test_a_handle_is_one_persons(api: ApiClient, db: None, handle: str) -> None:
    make_user(handle=handle)
    answer = register(api, handle=handle)
    assert (answer.status, answer.code) == (409, "HANDLE_TAKEN")
    assert (User.objects.count(), Session.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"password": "password"}, "password"),
        ({"password": "short1"}, "password"),
        ({"password": "9182736455"}, "password"),
        ({"password": "ann@example.org"}, "password"),
        ({"password": ""}, "password"),
        ({"password": "p" * 129}, "password"),
        ({"password": 12345678}, "password"),
        ({"password": ...}, "password"),
        ({"email": ...}, "email"),
        ({"email": None}, "email"),
        ({"email": "ann"}, "email"),
        ({"email": "ann@example.org, bob@example.org"}, "email"),
        ({"email": "a@" + "b" * 250 + ".org"}, "email"),
        ({"email": "ann@ex\uff20mple.org"}, "email"),
        ({"email": "ann@" + ".".join(["\ufdfa" * 20] * 2) + ".org"}, "email"),
        ({"name": ...}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "n" * 121}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"handle": "Ann"}, "handle"),
        ({"handle": "ab"}, "handle"),
        ({"handle": "a" * 31}, "handle"),
        ({"is_staff": True}, "is_staff"),
        ({"is_superuser": True}, "is_superuser"),
        ({"role": "ORG_ADMIN"}, "role"),
        ({"organization_id": "0198f3a0-7c1e-7d3a-9a55-2f7d3c1b9e10"}, "organization_id"),
        ({"is_demo": True}, "is_demo"),
        ({"id": "0198f3a0-7c1e-7d3a-9a55-2f7d3c1b9e10"}, "id"),
    ],
)
def test_what_is_not_valid_makes_nothing(api: ApiClient, db: None, changes: dict[str, object], field: str) -> None:
    answer = register(api, **changes)
    assert (answer.status, answer.code, list(answer.fields)) == (422, "VALIDATION_ERROR", [field])
    assert User.objects.count() == Session.objects.count() == 0


def test_the_password_comes_back_in_no_answer(api: ApiClient, db: None) -> None:
    for changes in ({}, {"password": "zq"}, {"email": "not an address"}):
        response = api.post(REGISTER, json={**ANN, **changes})
        assert changes.get("password", PASSWORD) not in response.text


@pytest.mark.parametrize("email", ["Ann@example.org", "ANN@EXAMPLE.ORG"])
def test_the_database_itself_takes_one_form_only(member: Person, email: str) -> None:
    with pytest.raises(IntegrityError, match="accounts_user_email_canonical"), transaction():
        raw_update("email", email, member)
    assert User.objects.filter(email=member.user.email).count() == 1


def test_the_database_itself_holds_an_email_and_a_handle_once(member: Person, outsider: Person) -> None:
    for column in ("email", "handle"):
        with pytest.raises(IntegrityError), transaction():
            raw_update(column, getattr(outsider.user, column), member)
    with pytest.raises(IntegrityError, match="accounts_user_handle_form"), transaction():
        raw_update("handle", "Not A Handle", member)


def raw_update(column: str, value: str, person: Person) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE accounts_user SET {column} = %s WHERE email = %s", [value, person.user.email])
        assert cursor.rowcount == 1
