"""A storage for tests, in the process."""

import io
from typing import BinaryIO

from stoa.platform.db.transactions import refuse_in_transaction
from stoa.platform.storage.client import NotStored


class MemoryStorage:
    """As strict about transactions as the real one. `broken` makes every call fail, as a full disk does."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.broken = False

    def put(self, key: str, source: BinaryIO) -> int:
        self._act()
        self.files[key] = source.read()
        return len(self.files[key])

    def open(self, key: str) -> BinaryIO:
        self._act()
        if key not in self.files:
            raise NotStored(key)
        return io.BytesIO(self.files[key])

    def delete(self, key: str) -> None:
        self._act()
        self.files.pop(key, None)

    def delete_all(self, folder: str) -> None:
        self._act()
        self.files = {key: data for key, data in self.files.items() if not key.startswith(f"{folder}/")}

    def keys(self, folder: str) -> list[str]:
        self._act()
        return sorted(key for key in self.files if key.startswith(f"{folder}/"))

    def _act(self) -> None:
        refuse_in_transaction("a stored file")
        if self.broken:
            raise OSError("no space left on device")
