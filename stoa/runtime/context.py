"""The one context of a piece of work: who asked, for whom, under which id.

Made by the outermost middleware (HTTP) or the task runner, carried across processes by the names in
`stoa.wire.headers`, and written on every log line. A `ContextVar`, so threads and coroutines do not share it.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from stoa.kit.ids import new_id

_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Context:
    """`request_id` is also the log id. Empty strings mean "none"."""

    request_id: str = ""
    user_id: str = ""
    org_id: str = ""
    task_id: str = ""
    task_name: str = ""
    address: str = ""
    agent: str = ""
    """Where a request came from, for the audit trail; not on log lines, and carried into no other process."""


_current: ContextVar[Context] = ContextVar("stoa_context", default=Context())


def current() -> Context:
    return _current.get()


def update(*, request_id: str | None = None, user_id: str | None = None, org_id: str | None = None) -> None:
    """Add what became known on the way (the user after authentication) to the context in force."""
    known = {"request_id": request_id, "user_id": user_id, "org_id": org_id}
    _current.set(replace(_current.get(), **{name: value for name, value in known.items() if value is not None}))


@contextmanager
def scope(
    *,
    request_id: str = "",
    user_id: str = "",
    org_id: str = "",
    task_id: str = "",
    task_name: str = "",
    address: str = "",
    agent: str = "",
) -> Iterator[Context]:
    """Run a block under a context of its own; whatever was in force before is back afterwards."""
    fresh = Context(request_id or new_request_id(), user_id, org_id, task_id, task_name, address, agent)
    token = _current.set(fresh)
    try:
        yield fresh
    finally:
        _current.reset(token)


def new_request_id() -> str:
    return new_id()


def accepted_request_id(candidate: str | None) -> str:
    """The caller's id if it is harmless in a log line and a header, else a new one."""
    if candidate and _ACCEPTED_ID.fullmatch(candidate):
        return candidate
    return new_request_id()
