"""The archive of one's data: asked for, built once, fetched by its owner alone, gone after its time."""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta

import pytest

from stoa.apps.accounts.models import DataExport
from stoa.apps.accounts.services import exports
from stoa.apps.accounts.services.erasure import erase_person
from stoa.apps.accounts.services.ports import SOURCES
from stoa.apps.accounts.tests.factories import Person
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_uuid
from stoa.platform.audit.models import AuditRecord
from stoa.platform.outbox.draining import drain
from stoa.platform.storage.client import storage_in_use
from stoa.platform.storage.memory import MemoryStorage
from stoa.platform.testing.client import ApiClient
from stoa.platform.testing.pausing import fault_at
from stoa.runtime.pause_points import arm, disarm

PATH = "/api/v1/users/me/export"


@pytest.fixture
def kept() -> Iterator[MemoryStorage]:
    kept = MemoryStorage()
    with storage_in_use(kept):
        yield kept


def acts() -> list[str]:
    return list(AuditRecord.objects.filter(action__contains="export").order_by("id").values_list("action", flat=True))


def test_asked_for_built_and_fetched(api: ApiClient, member: Person, kept: MemoryStorage) -> None:
    caller = api.bearer(member.access)
    birth = {"birth": {"date": "1990-02-03"}, "phone": "+995555123456"}
    assert caller.send_json("PATCH", "/api/v1/users/me", birth).status == 200
    device = {"platform": "ios", "token": "secret-push-token"}
    assert caller.send_json("POST", "/api/v1/users/me/devices", device).status == 201
    first = caller.read(PATH)
    assert (first.data["state"], first.data["url"]) == ("pending", None)
    assert caller.read(PATH).data == first.data
    assert kept.files == {}
    drain()
    ready = caller.read(PATH).data
    assert ready["state"] == "ready"
    answer = caller.get(ready["url"])
    assert len(answer.content) == ready["size_bytes"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = set(archive.namelist())
        read = {name: json.loads(archive.read(name)) for name in names}
        text = "".join(archive.read(name).decode() for name in names)
    ours = {name for name in names if name.partition("/")[0] in {"about.json", "accounts"}}
    assert ours == {"about.json", *(f"accounts/{name}.json" for name in ("profile", "sessions", "devices", "acts"))}
    (profile,) = read["accounts/profile.json"]
    assert (profile["email"], profile["birth"]["date"], profile["phone"]) == (
        member.user.email,
        "1990-02-03",
        "+995555123456",
    )
    assert [each["agent"] for each in read["accounts/sessions.json"]] == ["tests"]
    assert len(read["accounts/devices.json"]) == 1
    for secret in ("secret-push-token", "argon2", "refresh_hash"):
        assert secret not in text
    assert acts() == ["accounts.export_requested", "accounts.export_ready"]
    drain()
    assert len(kept.files) == 1


def test_only_its_owner_fetches_it(api: ApiClient, member: Person, outsider: Person, kept: MemoryStorage) -> None:
    api.bearer(member.access).read(PATH)
    drain()
    url = api.bearer(member.access).read(PATH).data["url"]
    assert api.get(url).status_code == 401
    assert api.bearer(outsider.access).get(url).status_code == 404
    assert api.bearer(outsider.access).read(PATH).data["state"] == "pending"


def test_it_expires_and_can_be_asked_for_again(api: ApiClient, member: Person, kept: MemoryStorage) -> None:
    caller = api.bearer(member.access)
    caller.read(PATH)
    drain()
    url = caller.read(PATH).data["url"]
    assert exports.forget_exports(limit=10) == 0
    DataExport.objects.update(expires_at=utc_now() - timedelta(seconds=1))
    assert exports.forget_exports(limit=10) == 1
    assert (kept.files, DataExport.objects.count()) == ({}, 0)
    assert caller.get(url).status_code == 404
    assert caller.read(PATH).data["state"] == "pending"
    DataExport.objects.update(expires_at=utc_now() - timedelta(seconds=1))
    assert caller.read(PATH).data["state"] == "pending"
    drain()
    assert (len(kept.files), DataExport.objects.count()) == (1, 1)


class Killed(BaseException):
    """As a SIGKILL."""


def test_killed_after_the_file_it_is_built_again(api: ApiClient, member: Person, kept: MemoryStorage) -> None:
    export = exports.request_export(user_id=member.user.pk)
    row = DataExport.objects.get()
    with fault_at("accounts.export_stored", Killed), pytest.raises(Killed):
        exports.build_export(export_id=row.pk, user_id=member.user.pk)
    assert (export.state, len(kept.files)) == ("pending", 1)
    drain()
    assert (len(kept.files), exports.request_export(user_id=member.user.pk).state) == (1, "ready")


def test_of_one_that_nobody_waits_for_nothing_is_left(member: Person, kept: MemoryStorage) -> None:
    exports.request_export(user_id=member.user.pk)
    row = DataExport.objects.get()
    with fault_at("accounts.export_stored", Killed), pytest.raises(Killed):
        exports.build_export(export_id=row.pk, user_id=member.user.pk)
    row.delete()
    assert len(kept.files) == 1
    drain()
    assert kept.files == {}


def test_an_archive_of_somebody_erased_meanwhile_is_removed(member: Person, kept: MemoryStorage) -> None:
    exports.request_export(user_id=member.user.pk)
    arm("accounts.export_stored", lambda: erase_person(user_id=member.user.pk, due_by=None))
    try:
        drain()
    finally:
        disarm("accounts.export_stored")
    assert (kept.files, DataExport.objects.count()) == ({}, 0)
    assert acts() == ["accounts.export_requested"]


def test_a_full_disk_is_tried_again_later(api: ApiClient, member: Person, kept: MemoryStorage) -> None:
    exports.request_export(user_id=member.user.pk)
    kept.broken = True
    assert drain(expect_failures=True).failed == 1
    kept.broken = False
    assert exports.request_export(user_id=member.user.pk).state == "pending"
    assert acts() == ["accounts.export_requested"]


def test_each_app_gives_its_own_files(member: Person, kept: MemoryStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOURCES, "probe", lambda user_id: {"none": [], "some": ({"n": n} for n in range(3))})
    exports.request_export(user_id=member.user.pk)
    drain()
    with zipfile.ZipFile(io.BytesIO(next(iter(kept.files.values())))) as archive:
        assert json.loads(archive.read("probe/none.json")) == []
        assert json.loads(archive.read("probe/some.json")) == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_an_unknown_export_is_no_error(db: None, kept: MemoryStorage) -> None:
    exports.build_export(export_id=new_uuid(), user_id=new_uuid())
    assert kept.files == {}
