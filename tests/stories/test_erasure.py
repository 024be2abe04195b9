"""A person with everything there is leaves: a dump, the outbox and the storage hold nothing of them, and a restored
backup forgets them again."""

import io
import sqlite3
import subprocess
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client

from stoa.apps.accounts.models import User
from stoa.apps.accounts.services.erasure import erase_due
from stoa.apps.accounts.tests.factories import Person, make_person
from stoa.apps.notifications.domain import Kind
from stoa.apps.notifications.models import Notification
from stoa.apps.notifications.services import notify
from stoa.apps.organizations.tests.factories import make_invite, make_organization
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_uuid
from stoa.platform.audit.sealing import adopt_end, seal_pending
from stoa.platform.audit.verifying import verify
from stoa.platform.db.rekeying import encrypted_fields
from stoa.platform.outbox.draining import drain
from stoa.platform.storage.client import storage
from stoa.platform.testing.client import ApiClient
from stoa.platform.testing.databases import on_postgres, url_of_test_database
from stoa.runtime.config import current
from stoa.runtime.field_encryption import Undecryptable

API = "/api/v1"
PASSWORD = "a-long-enough-passphrase"


class Database:
    """What an operator does to it: a dump as text, a backup, a restore."""

    def __init__(self, folder: Path) -> None:
        self.backup_file = folder / "backup"

    def dump(self) -> str:
        if on_postgres():
            return self._run("pg_dump", "--inserts")
        with sqlite3.connect(connection.settings_dict["NAME"]) as database:
            return "\n".join(database.iterdump())

    def backup(self) -> None:
        if on_postgres():
            self.backup_file.write_text(self._run("pg_dump", "--clean", "--if-exists"))
            return
        with sqlite3.connect(connection.settings_dict["NAME"]) as database, sqlite3.connect(self.backup_file) as copy:
            database.backup(copy)

    def restore(self) -> None:
        connections.close_all()
        if on_postgres():
            self._run("psql", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f", str(self.backup_file))
            return
        with sqlite3.connect(self.backup_file) as copy, sqlite3.connect(connection.settings_dict["NAME"]) as database:
            copy.backup(database)

    @staticmethod
    def _run(*command: str) -> str:
        done = subprocess.run([*command, "-d", url_of_test_database()], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def folder(tmp_path: Path, committed_db: None) -> Iterator[Path]:
    """Files of this story alone."""
    chosen = current.loaded()
    changed = chosen.settings.model_copy(
        update={
            "erasure_list_file": str(tmp_path / "erasures.jsonl"),
            "storage_dir": str(tmp_path / "storage"),
            "audit_head_file": str(tmp_path / "audit-head.json"),
        }
    )
    current.use(type(chosen)(changed, chosen.origins))
    yield tmp_path
    current.use(chosen)


def lived(api: ApiClient, staff: Person) -> tuple[str, dict[str, str]]:
    """Everything that Stoa can know of somebody; returns their id and the words that must vanish."""
    tail = new_uuid().hex[-10:]
    words = {
        "email": f"leaver.{tail}@example.org",
        "handle": f"leaver_{tail}",
        "name": f"Leaver {tail}",
        "phone": "+995555739146",
        "born": "1987-01-23",
        "place": "Ozurgeti",
        "agent": f"Browser of {tail}",
        "bio": f"I am {tail}",
        "token": f"push-{tail}",
        "uid": f"uid-{tail}",
        "new_email": f"moved.{tail}@example.org",
    }
    body = {name: words[name] for name in ("email", "handle", "name")} | {"password": PASSWORD}
    own = {"User-Agent": words["agent"]}
    made = api.post(f"{API}/auth/register", json=body, headers=own).json()["data"]
    caller = api.bearer(made["access"])
    birth = {"date": words["born"], "place": {"name": words["place"], "lat": 41.92, "lon": 42.0}}
    profile = {"phone": words["phone"], "birth": birth, "bio": words["bio"]}
    assert caller.send_json("PATCH", f"{API}/users/me", profile).status == 200
    device = {"platform": "ios", "token": words["token"], "name": words["name"]}
    assert caller.send_json("POST", f"{API}/users/me/devices", device).status == 201
    for password in ("wrong", PASSWORD):
        api.post(f"{API}/auth/login", json={"email": words["email"], "password": password}, headers=own)
    browser = Client()
    browser.force_login(staff.user)
    form = {"email": words["email"], "handle": words["handle"], "name": words["name"], "is_active": "on"}
    assert browser.post(f"/admin/accounts/user/{made['user']['id']}/change/", form).status_code == 302
    SocialAccount.objects.create(user_id=made["user"]["id"], provider="google", uid=words["uid"], extra_data={})
    new_email = {"email": words["new_email"], "password": PASSWORD}
    assert caller.send_json("POST", f"{API}/auth/email/change", new_email).status == 200
    assert api.send_json("POST", f"{API}/auth/otp/request", {"login": words["email"]}).status == 200
    garden, orchard = make_organization(staff, "Garden"), make_organization(staff, "Orchard")
    _, token = make_invite(garden, staff, words["email"])
    assert caller.send_json("POST", f"{API}/organizations/invites/accept", {"token": token}).status == 200
    make_invite(orchard, staff, words["email"])
    assert caller.read(f"{API}/users/me/export").data["state"] == "pending"
    notify(user_id=UUID(made["user"]["id"]), kind=Kind.ROLE_CHANGED, data={"role": "VIEWER"}, dedupe_key=tail)
    drain()
    ready = caller.read(f"{API}/users/me/export").data
    with zipfile.ZipFile(io.BytesIO(caller.get(ready["url"]).content)) as archive:
        assert b"VIEWER" in archive.read("notifications/notifications.json")
        assert b"Garden" in archive.read("organizations/memberships.json")
    return made["user"]["id"], words


def leave(api: ApiClient, words: dict[str, str]) -> None:
    signed_in = api.send_json("POST", f"{API}/auth/login", {"email": words["email"], "password": PASSWORD}).data
    closed = api.bearer(signed_in["access"]).send_json("DELETE", f"{API}/users/me", {"password": PASSWORD})
    assert closed.status == 200
    User.objects.filter(pk=signed_in["user"]["id"]).update(erase_at=utc_now() - timedelta(seconds=1))
    assert erase_due(limit=10) == 1
    drain()


def traces(words: dict[str, str], *texts: str) -> set[str]:
    return {name for name, word in words.items() if any(word.lower() in text.lower() for text in texts)}


def opened() -> str:
    """Every encrypted value in clear: ciphertext that stayed would hide what it holds from a look at the dump."""
    found = []
    for field in encrypted_fields():
        for row in field.model._base_manager.exclude(**{f"{field.name}__isnull": True}):
            try:
                found.append(repr(getattr(row, field.attname)))
            except Undecryptable:
                continue  # another test's, under keys of its own
    return "\n".join(found)


def test_erased_from_everything_and_again_after_a_restore(api: ApiClient, folder: Path) -> None:
    database, staff = Database(folder), make_person("Staff", is_staff=True, is_superuser=True)
    person, words = lived(api, staff)
    seal_pending()
    assert traces(words, database.dump()) == {"email", "handle", "name", "agent", "bio", "uid"}
    assert traces(words, opened()) == {"phone", "born", "place", "token", "new_email"}
    assert len(storage().keys(f"exports/{person}")) == 1
    database.backup()

    leave(api, words)
    seal_pending()
    assert traces(words, database.dump(), opened()) == set()
    assert person in database.dump()
    assert Notification.objects.filter(user_id=person).count() == 0
    assert storage().keys(f"exports/{person}") == []  # what other tests asked for may be delivered here
    assert not (folder / "storage" / "exports" / person).exists()
    report = verify()
    assert (report.fault, report.pending) == ("", 0)
    assert (folder / "erasures.jsonl").read_text().count(person) == 1
    assert traces(words, (folder / "erasures.jsonl").read_text()) == set()

    database.restore()
    assert traces(words, database.dump()) == {"email", "handle", "name", "agent", "bio", "uid"}
    out = StringIO()
    call_command("replay_erasures", stdout=out)
    assert out.getvalue().startswith("1 people erased again, of 1 on the list")
    adopt_end()
    drain()
    assert Notification.objects.filter(user_id=person).count() == 0
    seal_pending()
    assert traces(words, database.dump(), opened()) == set()
    assert verify().fault == ""
    call_command("replay_erasures", stdout=out)
    assert "0 people erased again" in out.getvalue()
