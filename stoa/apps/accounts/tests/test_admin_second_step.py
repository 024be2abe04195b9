"""`/admin/login/`: the lockout and the second step of the API, on Django's form and a page of ours."""

import re
from collections.abc import Iterator
from typing import Any

import pyotp
import pytest
from django.test import Client

from stoa.apps.accounts.models import SignInAttempt, TotpDevice
from stoa.apps.accounts.services import mfa
from stoa.apps.accounts.tests.factories import PASSWORD, Person
from stoa.kit.clock import utc_now
from stoa.platform.audit.models import AuditRecord
from stoa.platform.testing.client import ApiClient, envelope

LOGIN = "/admin/login/"
type Page = Any
"""The test client's response, whose type the stubs keep to themselves."""


def enrol(person: Person) -> tuple[str, tuple[str, ...]]:
    """The secret, with no code of it spent, and the recovery codes."""
    secret = mfa.enrol_totp(user_id=person.user.pk, password=PASSWORD, address="").secret
    codes = mfa.confirm_totp(user_id=person.user.pk, code=pyotp.TOTP(secret).at(utc_now())).recovery_codes
    TotpDevice.objects.update(last_step=0)
    return secret, codes


def first_step(client: Client, person: Person, password: str = PASSWORD) -> Page:
    answer: Page = client.post(
        f"{LOGIN}?next=/admin/accounts/user/", {"username": person.user.email, "password": password}
    )
    return answer


def second_step(client: Client, page: Page, code: str, next_url: str = "/admin/accounts/user/") -> Page:
    [token] = re.findall(r'name="mfa_token" value="([^"]+)"', page.content.decode())
    answer: Page = client.post(LOGIN, {"mfa_token": token, "code": code, "next": next_url})
    return answer


def is_in(client: Client) -> bool:
    return bool(client.get("/admin/").status_code == 200)


@pytest.fixture
def browser() -> Iterator[Client]:
    yield Client()


def test_a_code_of_the_app_opens_the_admin(browser: Client, staff: Person) -> None:
    secret, _ = enrol(staff)
    page = first_step(browser, staff)
    assert (page.status_code, is_in(browser)) == (200, False)
    answer = second_step(browser, page, pyotp.TOTP(secret).at(utc_now()))
    assert (answer.status_code, answer["Location"]) == (302, "/admin/accounts/user/")
    assert is_in(browser)
    assert AuditRecord.objects.filter(action="accounts.signed_in", actor_id=str(staff.user.pk)).count() == 1


def test_a_recovery_code_opens_it_once(browser: Client, staff: Person) -> None:
    _, codes = enrol(staff)
    second_step(browser, first_step(browser, staff), codes[0])
    assert is_in(browser)
    again = Client()
    assert second_step(again, first_step(again, staff), codes[0]).status_code == 200
    assert not is_in(again)


def test_a_wrong_code_opens_nothing_and_may_be_tried_again(browser: Client, staff: Person) -> None:
    secret, _ = enrol(staff)
    page = second_step(browser, first_step(browser, staff), "wrong")
    assert (page.status_code, is_in(browser)) == (200, False)
    assert AuditRecord.objects.filter(action="accounts.second_step_failed").count() == 1
    assert second_step(browser, page, pyotp.TOTP(secret).at(utc_now())).status_code == 302


def test_a_next_that_leads_away_is_not_followed(browser: Client, staff: Person) -> None:
    _, codes = enrol(staff)
    answer = second_step(browser, first_step(browser, staff), codes[0], "https://example.org/")
    assert answer["Location"] == "/admin/"


def test_five_wrong_passwords_lock_the_admin_and_the_api(browser: Client, api: ApiClient, staff: Person) -> None:
    assert [first_step(browser, staff, "wrong").status_code for _ in range(5)] == [200] * 5
    locked = first_step(browser, staff)
    assert (locked.status_code, is_in(browser)) == (429, False)
    assert 890 <= int(locked["Retry-After"]) <= 900
    assert AuditRecord.objects.filter(action="accounts.sign_in_locked_out").count() == 1
    body = {"email": staff.user.email, "password": PASSWORD}
    assert envelope(api.post("/api/v1/auth/login", json=body)).status == 429
    assert api.at("192.0.2.9").post("/api/v1/auth/login", json=body).status_code == 200


def test_five_wrong_codes_lock_it_too(browser: Client, staff: Person) -> None:
    secret, _ = enrol(staff)
    page = first_step(browser, staff)
    for _ in range(5):
        page = second_step(browser, page, "wrong")
    assert second_step(browser, page, pyotp.TOTP(secret).at(utc_now())).status_code == 429
    assert not is_in(browser)


def test_who_is_no_staff_hears_what_a_wrong_password_hears_and_counts(browser: Client, member: Person) -> None:
    enrol(member)
    SignInAttempt.objects.all().delete()
    pages = [first_step(browser, member, password).content.decode() for password in (PASSWORD, "wrong")]
    assert all("for a staff account" in page and "mfa_token" not in page for page in pages)
    assert SignInAttempt.objects.filter(counts=True).count() == 2


def test_the_second_step_of_a_member_opens_no_admin(browser: Client, api: ApiClient, member: Person) -> None:
    _, codes = enrol(member)
    answer = envelope(api.post("/api/v1/auth/login", json={"email": member.user.email, "password": PASSWORD}))
    token = (answer.error or {})["details"]["mfa_token"]
    assert browser.post(LOGIN, {"mfa_token": token, "code": codes[0]}).status_code == 200
    assert not is_in(browser)
    answer = envelope(api.post("/api/v1/auth/mfa/verify", json={"mfa_token": token, "recovery_code": codes[0]}))
    assert answer.status == 200


def test_the_second_step_asks_for_the_forms_own_token(staff: Person) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(LOGIN, {"mfa_token": "x", "code": "1"}).status_code == 403
