"""Files under keys: whole or not at all, never outside the folder, never in a transaction; links that expire."""

import io
from datetime import timedelta
from pathlib import Path

import pytest

from stoa.apps.accounts.tests.factories import Person
from stoa.kit.clock import utc_now
from stoa.platform.db.transactions import OutsideCallInTransaction, transaction
from stoa.platform.storage.client import BadKey, LocalStorage, NotStored, Storage, storage_in_use
from stoa.platform.storage.links import BadLink, Link, link_to, read_link
from stoa.platform.storage.memory import MemoryStorage
from stoa.platform.testing.client import ApiClient
from stoa.platform.testing.pausing import fault_at


@pytest.fixture(params=["folder", "memory"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return LocalStorage(tmp_path / "storage") if request.param == "folder" else MemoryStorage()


def test_what_was_put_is_read_replaced_listed_and_deleted(kept: Storage) -> None:
    assert kept.put("a/b.zip", io.BytesIO(b"one")) == 3
    assert kept.put("a/b.zip", io.BytesIO(b"two!")) == 4
    kept.put("a/c.zip", io.BytesIO(b""))
    kept.put("ab/c.zip", io.BytesIO(b"neighbour"))
    with kept.open("a/b.zip") as file:
        assert file.read() == b"two!"
    assert kept.keys("a") == ["a/b.zip", "a/c.zip"]
    kept.delete("a/c.zip")
    kept.delete("a/c.zip")
    kept.delete_all("a")
    kept.delete_all("a")
    assert kept.keys("a") == []
    for key in ("a/b.zip", "a/c.zip", "nothing"):
        with pytest.raises(NotStored):
            kept.open(key)
    assert kept.keys("ab") == ["ab/c.zip"]


def test_nothing_of_it_happens_in_a_transaction(kept: Storage, db: None) -> None:
    kept.put("a/b", io.BytesIO(b"x"))
    acts = (
        lambda: kept.put("a/b", io.BytesIO(b"y")),
        lambda: kept.open("a/b"),
        lambda: kept.delete("a/b"),
        lambda: kept.delete_all("a"),
        lambda: kept.keys("a"),
    )
    for act in acts:
        with pytest.raises(OutsideCallInTransaction), transaction():
            act()
    with kept.open("a/b") as file:
        assert file.read() == b"x"


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../x", "a/../../x", "a//b", ".hidden", "a/.", "A", "a b", "a\x00", "x" * 201, "a/"]
)
def test_a_key_that_might_lead_elsewhere_is_refused(key: str, tmp_path: Path) -> None:
    with pytest.raises(BadKey):
        LocalStorage(tmp_path / "storage").put(key, io.BytesIO(b"x"))
    assert list(tmp_path.iterdir()) == []


def test_a_put_that_fails_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    kept = LocalStorage(tmp_path)
    kept.put("a/b", io.BytesIO(b"old"))
    with fault_at("storage.before_replace", lambda: OSError("full")), pytest.raises(OSError, match="full"):
        kept.put("a/b", io.BytesIO(b"new"))
    assert [(path.name, path.read_bytes()) for path in (tmp_path / "a").iterdir()] == [("b", b"old")]
    assert (tmp_path / "a" / "b").stat().st_mode & 0o077 == 0


def link(**changes: object) -> Link:
    said: dict[str, object] = {"key": "a/b.txt", "filename": "b.txt", "owner": "", "expires_at": soon()}
    return Link(**{**said, **changes})  # type: ignore[arg-type]


def soon() -> object:
    return (utc_now() + timedelta(minutes=1)).replace(microsecond=0)


def test_a_link_says_what_it_was_made_for_and_bears_no_change() -> None:
    made = link(owner="somebody")
    token = link_to(made).partition("?t=")[2]
    assert read_link(token) == made
    for broken in ("", "x", token[:-1], f"A{token}", token.upper()):
        with pytest.raises(BadLink):
            read_link(broken)
    with pytest.raises(BadLink):
        read_link(link_to(link(expires_at=utc_now() - timedelta(seconds=1))).partition("?t=")[2])


def test_files_are_handed_out_as_attachments_to_whom_the_link_is_for(
    api: ApiClient, member: Person, outsider: Person
) -> None:
    kept = MemoryStorage()
    kept.put("a/b.txt", io.BytesIO(b"<script>"))
    own = str(member.user.pk)
    with storage_in_use(kept):
        anybody = api.get(link_to(link()))
        assert (anybody.status_code, anybody.content) == (200, b"<script>")
        assert anybody.headers["Content-Disposition"] == 'attachment; filename="b.txt"'
        assert anybody.headers["Cache-Control"] == "private, no-store"
        assert anybody.headers["X-Request-ID"]
        private = link_to(link(owner=own))
        statuses = [api.get(private, headers=headers).status_code for headers in (
            {}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}, outsider.bearer, member.bearer)]  # fmt: skip
        assert statuses == [401, 401, 401, 404, 200]
        assert api.get(link_to(link(key="a/gone"))).status_code == 404
        assert api.get("/files").status_code == api.get("/files", params={"t": "x"}).status_code == 404
        assert api.post(link_to(link())).status_code == 403  # no form of ours
