"""Ids through Celery: carried in the message's headers and in force wherever a line about the task is written.

Publishing puts the context into the headers; a retry, an automatic one too, and the next task of a chain are published
inside the task's own context. The lines that Celery's main process writes about a task ("received", a lost worker, a
time limit) know nothing of a context by themselves: the strategy and the request below give it to them.
"""

from collections.abc import Callable, Iterator, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from celery import Task
from celery.signals import beat_embedded_init, beat_init, before_task_publish, task_postrun, task_prerun
from celery.worker.request import Request
from celery.worker.strategy import default as celery_strategy

from stoa.platform.db.transactions import refuse_in_transaction
from stoa.runtime import context
from stoa.wire.headers import ORG_ID, REQUEST_ID, USER_ID

TASK_CLASS = "stoa.platform.observability.celery_ids:TracedTask"
"""For `Celery(task_cls=...)`."""

type Headers = MutableMapping[str, Any]


class TracedTask(Task):  # type: ignore[misc]  # Celery has no types
    """The base of all our tasks."""

    abstract = True
    Strategy = "stoa.platform.observability.celery_ids:strategy"
    Request = "stoa.platform.observability.celery_ids:TracedRequest"

    def apply_async(self, *args: Any, **options: Any) -> Any:
        """Raises OutsideCallInTransaction: a message sent before the commit may be read before it, or outlive a
        rollback."""
        refuse_in_transaction("a task message")
        return super().apply_async(*args, **options)


class TracedRequest(Request):  # type: ignore[misc]  # Celery has no types
    """What the main process knows of a task at work elsewhere."""

    def on_timeout(self, soft: bool, timeout: float) -> None:
        with self._scope():
            super().on_timeout(soft, timeout)

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        with self._scope():
            return super().on_failure(exc_info, send_failed_event=send_failed_event, return_ok=return_ok)

    def on_retry(self, exc_info: Any) -> Any:
        with self._scope():
            return super().on_retry(exc_info)

    def _scope(self) -> AbstractContextManager[object]:
        return scope_of(self._request_dict, task_id=self.id, task_name=self.name)


def strategy(task: Any, app: Any, consumer: Any) -> Callable[..., Any]:
    """Celery's own, inside the context of the message that has come."""
    take = celery_strategy(task, app, consumer)

    def received(message: Any, *args: Any, **options: Any) -> Any:
        headers = message.headers
        # Told to the process that runs the task too: one that came without an id has the same on all its lines.
        headers[REQUEST_ID] = context.accepted_request_id(headers.get(REQUEST_ID))
        with scope_of(headers, task_id=str(headers.get("id", "")), task_name=str(headers.get("task", ""))):
            return take(message, *args, **options)

    return received


def scope_of(headers: Headers, *, task_id: str, task_name: str) -> AbstractContextManager[object]:
    return context.scope(
        request_id=context.accepted_request_id(headers.get(REQUEST_ID)),
        user_id=str(headers.get(USER_ID) or ""),
        org_id=str(headers.get(ORG_ID) or ""),
        task_id=task_id,
        task_name=task_name,
    )


def connect() -> None:
    """Once a process, before the first task. Idempotent: a receiver is known by its name."""
    for signal, receiver in (
        (before_task_publish, _carry),
        (task_prerun, _enter),
        (task_postrun, _leave),
        (beat_init, _give_beat_ids),
        (beat_embedded_init, _give_beat_ids),
    ):
        signal.connect(receiver, weak=False, dispatch_uid=f"{__name__}.{receiver.__name__}")


def _carry(headers: Headers | None = None, **_: object) -> None:
    if headers is None:
        return
    current = context.current()
    headers[REQUEST_ID] = current.request_id or context.new_request_id()
    known = {USER_ID: current.user_id, ORG_ID: current.org_id}
    headers.update({name: value for name, value in known.items() if value})


_entered: dict[str, AbstractContextManager[object]] = {}


def _enter(task_id: str, task: Any, **_: object) -> None:
    """In the process that runs it. Run in place, without a message, it belongs to whoever called."""
    current = context.current()
    names = {REQUEST_ID: current.request_id, USER_ID: current.user_id, ORG_ID: current.org_id}
    headers = {name: task.request.get(name) or known for name, known in names.items()}
    scope = scope_of(headers, task_id=task_id, task_name=task.name)
    scope.__enter__()
    _entered[task_id] = scope


def _leave(task_id: str, **_: object) -> None:
    scope = _entered.pop(task_id, None)
    if scope is not None:
        scope.__exit__(None, None, None)


def _give_beat_ids(sender: Any, **_: object) -> None:
    """Each task that beat sends is the root of a story of its own: one id for "Sending due task" and all that follows."""
    scheduler = sender.scheduler
    send = scheduler.apply_entry

    def apply_entry(entry: Any, producer: Any = None) -> None:
        with _root(entry.task):
            send(entry, producer=producer)

    scheduler.apply_entry = apply_entry


@contextmanager
def _root(task_name: str) -> Iterator[None]:
    with context.scope(task_name=task_name):
        yield
