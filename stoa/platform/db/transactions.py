"""The only opener of transactions, and the guard that keeps the outside world out of them.

Depth is counted here and not read from Django: a test wraps everything in a transaction of its own, and the guard
must still tell "inside a business transaction" from "inside a test".
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import transaction as django_transaction

_depth: ContextVar[int] = ContextVar("stoa_transaction_depth", default=0)


class OutsideCallInTransaction(RuntimeError):
    """A mail, request, upload or broker message was about to leave while a transaction was open (law 3)."""


@contextmanager
def transaction() -> Iterator[None]:
    """Open a transaction, or join the one in force: an inner failure then dooms the whole."""
    depth = _depth.get()
    token = _depth.set(depth + 1)
    try:
        with django_transaction.atomic(savepoint=depth == 0):
            yield
    finally:
        _depth.reset(token)


def transaction_depth() -> int:
    return _depth.get()


def refuse_in_transaction(what: str) -> None:
    """Called by every client of the outside world before it acts. Raises OutsideCallInTransaction."""
    if _depth.get() > 0:
        raise OutsideCallInTransaction(f"{what} inside a transaction: commit the intent first")
