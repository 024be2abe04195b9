"""Closing an account: with the password, out at once, restored by signing in, erased when its time is over."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import CharField, DateTimeField
from django.test import Client

from stoa.apps.accounts.errors import AccountCannotClose
from stoa.apps.accounts.models import PushDevice, Session, User
from stoa.apps.accounts.public import register_account_closing_veto
from stoa.apps.accounts.services.erasure import KEPT, erase_due, erase_person
from stoa.apps.accounts.services.erasure_list import replay
from stoa.apps.accounts.services.ports import VETOES
from stoa.apps.accounts.tests.factories import PASSWORD, Person, make_person
from stoa.kit.clock import utc_now
from stoa.platform.audit.models import AuditDetail, AuditRecord
from stoa.platform.outbox.draining import drain
from stoa.platform.outbox.models import OutboxEvent
from stoa.platform.sweeps.registry import declared
from stoa.platform.testing.client import ApiClient, Envelope
from stoa.platform.testing.pausing import fault_at
from stoa.runtime.config import current

ME, LOGIN = "/api/v1/users/me", "/api/v1/auth/login"


@pytest.fixture
def listed(tmp_path: Path) -> Iterator[Path]:
    """A list of erasures of this test's own."""
    chosen = current.loaded()
    path = tmp_path / "kept" / "erasures.jsonl"
    changed = chosen.settings.model_copy(
        update={"erasure_list_file": str(path), "storage_dir": str(tmp_path / "storage")}
    )
    current.use(type(chosen)(changed, chosen.origins))
    yield path
    current.use(chosen)


@pytest.fixture
def veto() -> Iterator[list[UUID]]:
    """Keeps whoever is named in it."""
    kept: list[UUID] = []

    def refuse(user_id: UUID) -> None:
        if user_id in kept:
            raise AccountCannotClose(details={"reason": "last_admin"})

    register_account_closing_veto("probe", refuse)
    yield kept
    VETOES.pop("probe")


def close(api: ApiClient, person: Person, password: str = PASSWORD) -> Envelope:
    return api.bearer(person.access).send_json("DELETE", ME, {"password": password})


def login(api: ApiClient, email: str) -> Envelope:
    return api.send_json("POST", LOGIN, {"email": email, "password": PASSWORD})


def make_due(person: Person) -> None:
    User.objects.filter(pk=person.user.pk).update(erase_at=utc_now() - timedelta(seconds=1))


def events(prefix: str = "accounts.") -> list[str]:
    return list(OutboxEvent.objects.filter(name__startswith=prefix).order_by("id").values_list("name", flat=True))


def test_closed_it_is_out_everywhere_at_once(api: ApiClient, member: Person) -> None:
    answer = close(api, member)
    assert answer.status == 200
    member.user.refresh_from_db()
    assert member.user.erase_at is not None
    assert timedelta(days=13, hours=23) < member.user.erase_at - utc_now() <= timedelta(days=14)
    assert api.bearer(member.access).read(ME).status == 401
    assert api.send_json("POST", "/api/v1/auth/refresh", {"refresh": member.refresh}).status == 401
    assert events() == ["accounts.sessions_ended", "accounts.closed"]
    assert AuditRecord.objects.filter(action="accounts.closed", actor_id=str(member.user.pk)).count() == 1


@pytest.mark.parametrize("password", ["wrong", PASSWORD.upper()])
def test_a_wrong_password_closes_nothing(api: ApiClient, member: Person, password: str) -> None:
    answer = close(api, member, password)
    assert (answer.status, answer.code) == (403, "WRONG_PASSWORD")
    member.user.refresh_from_db()
    assert member.user.erase_at is None
    assert api.bearer(member.access).read(ME).status == 200
    assert events() == []


def test_guessing_the_password_here_is_locked_out_as_at_the_door(api: ApiClient, member: Person) -> None:
    assert [close(api, member, f"guess {number}").status for number in range(6)] == [403] * 5 + [429]
    assert close(api, member).status == 429
    member.user.refresh_from_db()
    assert member.user.erase_at is None


def test_without_a_password_nothing_closes(api: ApiClient, member: Person) -> None:
    assert api.bearer(member.access).send_json("DELETE", ME, {}).status == 422
    member.user.set_unusable_password()
    member.user.save()
    assert close(api, member).code == "WRONG_PASSWORD"


def test_a_veto_keeps_everything_as_it_is(api: ApiClient, member: Person, veto: list[UUID]) -> None:
    veto.append(member.user.pk)
    answer = close(api, member)
    assert (answer.status, answer.code) == (409, "ACCOUNT_CANNOT_CLOSE")
    assert answer.error is not None
    assert answer.error["details"] == {"reason": "last_admin"}
    member.user.refresh_from_db()
    assert (member.user.erase_at, events()) == (None, [])
    assert api.bearer(member.access).read(ME).status == 200


def test_signing_in_restores_and_the_sweep_passes_by(api: ApiClient, member: Person) -> None:
    close(api, member)
    assert login(api, member.user.email).status == 200
    member.user.refresh_from_db()
    assert member.user.erase_at is None
    assert events() == ["accounts.sessions_ended", "accounts.closed", "accounts.restored"]
    assert erase_due(limit=10) == 0
    assert not erase_person(user_id=member.user.pk, due_by=utc_now())


def test_a_wrong_password_restores_nothing(api: ApiClient, member: Person) -> None:
    close(api, member)
    body = {"email": member.user.email, "password": "wrong"}
    assert api.send_json("POST", LOGIN, body).status == 401
    member.user.refresh_from_db()
    assert member.user.erase_at is not None


def test_the_admin_is_closed_too_until_one_signs_in_again(api: ApiClient, staff: Person) -> None:
    browser = Client()
    form = {"username": staff.user.email, "password": PASSWORD, "next": "/admin/"}
    assert browser.post("/admin/login/", form).status_code == 302
    assert close(api, staff).status == 200
    assert browser.get("/admin/").status_code == 302
    assert browser.post("/admin/login/", form).status_code == 302
    assert browser.get("/admin/").status_code == 200
    assert events() == ["accounts.sessions_ended", "accounts.closed", "accounts.restored"]


def test_nobody_is_erased_before_their_time(api: ApiClient, member: Person, outsider: Person) -> None:
    close(api, member)
    assert declared()["accounts.erase_due"].run(10) == 0
    assert User.objects.filter(erased_at=None).count() == 2


def test_erased_a_tombstone_stays_and_others_are_untouched(
    api: ApiClient, member: Person, outsider: Person, staff: Person, listed: Path
) -> None:
    browser = Client()
    browser.force_login(staff.user)
    form = {"email": member.user.email, "handle": member.user.handle, "name": "Renamed", "is_active": "on"}
    assert browser.post(f"/admin/accounts/user/{member.user.pk}/change/", form).status_code == 302
    device = {"platform": "ios", "token": "t"}
    api.bearer(member.access).send_json("POST", f"{ME}/devices", device)
    others = User.objects.filter(pk=outsider.user.pk).values().get()
    close(api, member)
    make_due(member)
    assert declared()["accounts.erase_due"].run(10) == 1
    row = User.objects.get(pk=member.user.pk)
    assert row.email.endswith("@erased.invalid")
    assert row.handle.startswith("erased_")
    nothing = {"name": "", "phone__isnull": True, "birth__isnull": True, "handle_key": None, "name_key": None}
    assert User.objects.filter(pk=row.pk, **nothing).exists()
    assert (row.is_active, row.has_usable_password(), row.erase_at) == (False, False, None)
    assert Session.objects.filter(user=row).count() == PushDevice.objects.count() == LogEntry.objects.count() == 0
    mine = AuditDetail.objects.filter(record__actor_id=str(row.pk)) | AuditDetail.objects.filter(
        record__object_id=str(row.pk)
    )
    assert mine.count() == 0
    assert AuditRecord.objects.filter(actor_id=str(row.pk)).exists()
    assert User.objects.filter(pk=outsider.user.pk).values().get()["email"] == others["email"]
    assert api.bearer(outsider.access).read(ME).status == 200
    assert login(api, member.user.email).status == 401
    drain()
    assert [line.count(str(row.pk)) for line in listed.read_text().splitlines()] == [1]
    assert member.user.email not in listed.read_text()
    assert declared()["accounts.erase_due"].run(10) == 0
    again = {"email": member.user.email, "password": PASSWORD, "name": "New", "handle": member.user.handle}
    assert api.send_json("POST", "/api/v1/auth/register", again).status == 201


def test_no_column_of_a_person_is_left_as_it_was(member: Person) -> None:
    """Also of those that somebody adds later: each but the few kept is as of an unknown person."""
    with connection.cursor() as cursor:
        for field in User._meta.concrete_fields:
            if isinstance(field, CharField) and not field.choices and field.name not in {"email", "handle", "password"}:
                cursor.execute(f"UPDATE accounts_user SET {field.column} = 'tr'")
            elif isinstance(field, DateTimeField) and field.name != "erased_at":
                cursor.execute(f"UPDATE accounts_user SET {field.column} = '2001-02-03 04:05:06+00'")
    assert erase_person(user_id=member.user.pk, due_by=None)
    row = User.objects.get(pk=member.user.pk)
    new = User(pk=row.pk)
    made = {"email", "handle", "password", "erased_at", "version", "is_active", "privacy", "dm_policy"}
    for field in User._meta.concrete_fields:
        if field.name not in made | KEPT | {"push_enabled", "email_enabled"}:
            assert getattr(row, field.attname) == getattr(new, field.attname), field.name


class Killed(BaseException):
    """As a SIGKILL."""


def test_killed_in_the_middle_nothing_has_happened_and_the_next_pass_does_it(api: ApiClient, member: Person) -> None:
    close(api, member)
    make_due(member)
    with fault_at("accounts.before_erasure_commit", Killed), pytest.raises(Killed):
        erase_due(limit=10)
    assert User.objects.get(pk=member.user.pk).email == member.user.email
    assert "accounts.erased" not in events()
    assert erase_due(limit=10) == 1
    assert events()[-1] == "accounts.erased"


def test_whom_a_veto_keeps_is_asked_again_a_day_later(api: ApiClient, member: Person, veto: list[UUID]) -> None:
    close(api, member)
    make_due(member)
    veto.append(member.user.pk)
    assert erase_due(limit=10) == 1
    row = User.objects.get(pk=member.user.pk)
    assert row.erased_at is None
    assert row.erase_at is not None
    assert row.erase_at > utc_now() + timedelta(hours=23)
    assert erase_due(limit=10) == 0
    assert AuditRecord.objects.filter(action="accounts.erasure_postponed").count() == 1


def test_one_pass_does_no_more_than_its_limit(api: ApiClient, db: None) -> None:
    for _ in range(3):
        person = make_person("Leaver")
        close(api, person)
        make_due(person)
    assert [erase_due(limit=2), erase_due(limit=2), erase_due(limit=2)] == [2, 1, 0]


def test_replaying_erases_who_is_back_and_nobody_else(member: Person, outsider: Person, listed: Path) -> None:
    with pytest.raises(CommandError):
        call_command("replay_erasures")
    listed.parent.mkdir()
    gone = "01a214e4-1a16-7c43-9c13-c7a392ea35b1"
    lines = [f'{{"user_id":"{member.user.pk}"}}', "", "[]", '{"user_id": 7}', f'{{"user_id":"{gone}"}}', '{"user_']
    listed.write_text("\n".join(lines))
    assert replay() == (1, 2)
    assert replay() == (0, 2)
    assert User.objects.get(pk=member.user.pk).erased_at is not None
    assert User.objects.get(pk=outsider.user.pk).erased_at is None
