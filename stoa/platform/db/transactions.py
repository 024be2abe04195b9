"""The only opener of transactions, and the guard that keeps the outside world out of them.

Depth is counted here and not read from Django: a test wraps everything in a transaction of its own, and the guard
must still tell "inside a business transaction" from "inside a test".
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connection
from django.db import transaction as django_transaction

_depth: ContextVar[int] = ContextVar("stoa_transaction_depth", default=0)


class DoomedTransaction(RuntimeError):
    """Somebody caught the failure of a joined transaction and went on: nothing of the whole can be kept."""


class OutsideTransaction(RuntimeError):
    """What only makes sense as a part of a transaction was asked for without one."""


class OutsideCallInTransaction(RuntimeError):
    """A mail, request, upload or broker message was about to leave while a transaction was open (law 3)."""


@contextmanager
def transaction() -> Iterator[None]:
    """Open a transaction, or join the one in force: an inner failure then dooms the whole.

    Raises DoomedTransaction where that failure was swallowed on its way out: Django would roll back without a word,
    and the caller would answer that all went well."""
    depth = _depth.get()
    token = _depth.set(depth + 1)
    try:
        with django_transaction.atomic(savepoint=depth == 0):
            yield
            if depth == 0 and connection.needs_rollback:
                raise DoomedTransaction("a failure inside this transaction was caught, and its work is lost")
    finally:
        _depth.reset(token)


@contextmanager
def savepoint() -> Iterator[None]:
    """Inside a transaction, a part that may fail by itself: what it did is taken back, the rest is kept.

    Raises OutsideTransaction at depth 0."""
    if _depth.get() == 0:
        raise OutsideTransaction("a savepoint belongs into transaction()")
    with django_transaction.atomic(savepoint=True):
        yield


def transaction_depth() -> int:
    return _depth.get()


def refuse_in_transaction(what: str) -> None:
    """Called by every client of the outside world before it acts. Raises OutsideCallInTransaction."""
    if _depth.get() > 0:
        raise OutsideCallInTransaction(f"{what} inside a transaction: commit the intent first")


def hint_after_commit(hint: Callable[[], None]) -> None:
    """Call `hint` once the outermost transaction has committed. It may be lost with the process, so it may only save
    time: a wake-up, never an effect."""
    django_transaction.on_commit(hint)
