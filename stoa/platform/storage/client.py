"""Where files are kept: a folder (STORAGE_DIR). Keys are paths of plain words, so that an object store fits too."""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from stoa.platform.db.transactions import refuse_in_transaction
from stoa.runtime.config.current import settings
from stoa.runtime.pause_points import pause_point

_KEY = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*")
_LONGEST = 200
_CHUNK = 1 << 20


class BadKey(ValueError):
    """Not a key of ours: it might lead out of the folder."""


class NotStored(LookupError):
    """There is no file of that key."""


class Storage(Protocol):
    """Every call raises OutsideCallInTransaction at depth > 0, and BadKey."""

    def put(self, key: str, source: BinaryIO) -> int:
        """Keep all of `source` under the key, in place of what was there; returns the bytes. All or nothing."""

    def open(self, key: str) -> BinaryIO:
        """Raises NotStored."""

    def delete(self, key: str) -> None:
        """Idempotent."""

    def delete_all(self, folder: str) -> None:
        """Everything whose key begins with `folder/`. Idempotent."""

    def keys(self, folder: str) -> list[str]:
        """Sorted."""


class LocalStorage:
    """Files readable by this user alone. A put that was killed leaves a hidden file, which `delete_all` takes along."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, key: str, source: BinaryIO) -> int:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                shutil.copyfileobj(source, file, _CHUNK)
                file.flush()
                os.fsync(file.fileno())
                size = file.tell()
            pause_point("storage.before_replace")
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
        return size

    def open(self, key: str) -> BinaryIO:
        try:
            return self._path(key).open("rb")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotStored(key) from None

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def delete_all(self, folder: str) -> None:
        path = self._path(folder)
        if path.is_dir():
            shutil.rmtree(path)

    def keys(self, folder: str) -> list[str]:
        found = (path for path in self._path(folder).rglob("*") if path.is_file() and not path.name.startswith("."))
        return sorted(path.relative_to(self.root).as_posix() for path in found)

    def _path(self, key: str) -> Path:
        refuse_in_transaction("a stored file")
        if len(key) > _LONGEST or not _KEY.fullmatch(key):
            raise BadKey("keys are words of a-z, 0-9, dot, hyphen and underscore with slashes between")
        return self.root / key


_chosen: list[Storage] = []


def storage() -> Storage:
    return _chosen[-1] if _chosen else LocalStorage(Path(settings().storage_dir))


@contextmanager
def storage_in_use(instead: Storage) -> Iterator[None]:
    """For tests: a fake in the place of the folder."""
    _chosen.append(instead)
    try:
        yield
    finally:
        _chosen.remove(instead)
