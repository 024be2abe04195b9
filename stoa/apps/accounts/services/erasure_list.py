"""Who was erased, by id alone, in a file that a restored backup does not undo."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import orjson

from stoa.apps.accounts.services.erasure import erase_person
from stoa.kit.clock import isoformat, utc_now
from stoa.kit.ids import parse_id
from stoa.platform.db.transactions import refuse_in_transaction
from stoa.runtime.config.current import settings


def list_path() -> Path:
    return Path(settings().erasure_list_file)


def write_down(*, user_id: UUID) -> None:
    """Add a line, flushed to the disk; a second one of the same person does no harm. Raises OSError."""
    refuse_in_transaction("the list of erasures")
    path = list_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    line = orjson.dumps({"user_id": str(user_id), "erased_at": isoformat(utc_now())}, option=orjson.OPT_APPEND_NEWLINE)
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def replay(*, path: Path | None = None) -> tuple[int, int]:
    """Erase again whoever stands on the list and is there; returns how many were, and how many lines there are.

    Idempotent. Raises OSError where there is no such file."""
    erased = lines = 0
    for user_id in _listed(path or list_path()):
        lines += 1
        erased += erase_person(user_id=user_id, due_by=None)
    return erased, lines


def _listed(path: Path) -> Iterator[UUID]:
    """A line that a crash cut off is passed over: the delivery that wrote it was not done, and wrote it again."""
    with path.open("rb") as file:
        for line in file:
            try:
                found = parse_id(str(orjson.loads(line)["user_id"]))
            except (ValueError, KeyError, TypeError):
                found = None
            if found is not None:
                yield found
