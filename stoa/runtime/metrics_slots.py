"""Numbered places for the figures of processes: taken under a lock that ends with its process, and taken again.

A process that starts finds the lowest free slot and goes on with the files of whoever had it before: counters never
fall, and after any number of restarts there are as many files as processes ever ran at once."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Slot:
    """Ours while `lock` is open."""

    number: int
    lock: int

    def let_go(self) -> None:
        os.close(self.lock)


def take_slot(folder: Path, role: str) -> Slot:
    """The lowest slot that no living process has. `role` is written down for the scrape. Call it under `exclusively`."""
    number = 0
    while True:
        lock = os.open(_lock_file(folder, number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if _try_lock(lock):
            os.truncate(lock, 0)
            os.write(lock, role.encode())
            return Slot(number, lock)
        os.close(lock)
        number += 1


def living_slots(folder: Path) -> dict[int, str]:
    """Number -> role of every slot whose process lives, ours too. Call it under `exclusively`."""
    found: dict[int, str] = {}
    for path in folder.glob("slot_*.lock"):
        # A descriptor of our own: the lock that this process holds through another one counts as taken, too.
        lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            if not _try_lock(lock):
                found[int(path.stem.removeprefix("slot_"))] = os.read(lock, 64).decode("ascii", "replace")
        finally:
            os.close(lock)
    return found


@contextmanager
def exclusively(folder: Path) -> Iterator[None]:
    """One process at a time takes a slot or looks who lives; held for microseconds."""
    lock = os.open(folder / "slots.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _lock_file(folder: Path, number: int) -> Path:
    return folder / f"slot_{number}.lock"


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
