"""Several callables at the same moment, each in a thread with a database connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from django.db import connections


@dataclass(frozen=True, slots=True)
class Outcome[T]:
    """What one contender ended with: a value, or the exception it raised."""

    value: T | None
    error: BaseException | None

    def result(self) -> T | None:
        if self.error is not None:
            raise self.error
        return self.value


def run_together[T](*contenders: Callable[[], T], timeout_s: float = 30.0) -> list[Outcome[T]]:
    """Start all at one barrier; the outcomes come back in the order of the contenders.

    Each thread's connections are closed before it ends, so that nothing is left open in the database. Needs committed
    rows (the fixture `committed_db`): another connection does not see a test's open transaction.
    Raises TimeoutError when one of them is still running after `timeout_s`."""
    start = threading.Barrier(len(contenders))

    def run(contender: Callable[[], T]) -> T:
        try:
            start.wait(timeout_s)
            return contender()
        finally:
            connections.close_all()

    pool = ThreadPoolExecutor(max_workers=len(contenders), thread_name_prefix="contender")
    try:
        futures = [pool.submit(run, contender) for contender in contenders]
        _, unfinished = wait(futures, timeout=timeout_s)
        if unfinished:
            raise TimeoutError(f"{len(unfinished)} of {len(futures)} contenders still run after {timeout_s:g} s")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return [_outcome(future.exception(), future.result) for future in futures]


def _outcome[T](error: BaseException | None, result: Callable[[], T]) -> Outcome[T]:
    return Outcome(None, error) if error is not None else Outcome(result(), None)


def repeat_together[T](times: int, contender: Callable[[int], T], *, timeout_s: float = 30.0) -> list[Outcome[T]]:
    """`times` copies of one contender, each told its number from 0."""
    return run_together(*(_numbered(contender, number) for number in range(times)), timeout_s=timeout_s)


def _numbered[T](contender: Callable[[int], T], number: int) -> Callable[[], T]:
    return lambda: contender(number)
