"""Blocking calls that nothing can interrupt (name resolution, a file system), kept off the event loop.

asyncio's own executor will not do: its threads are joined when the loop closes and again when the interpreter exits,
so that one lookup which hangs holds both. Here a call that hangs costs one daemon thread, and later callers of the same
call share it instead of starting another.
"""

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from threading import Lock, Thread
from typing import Any

_lock = Lock()
_under_way: dict[Hashable, Future[Any]] = {}


async def offload[Result](key: Hashable, call: Callable[[], Result]) -> Result:
    """The result of `call`, run in a daemon thread. While one with an equal `key` is under way its result is shared.

    Cancelling the await leaves the thread alone: it ends with the call."""
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[Result] = loop.create_future()

    def settle(source: Future[Result]) -> None:
        if waiter.done():
            return
        error = source.exception()
        if error is None:
            waiter.set_result(source.result())
        else:
            waiter.set_exception(error)

    def arrived(source: Future[Result]) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile, so nobody waits any more
            loop.call_soon_threadsafe(settle, source)

    _shared(key, call).add_done_callback(arrived)
    return await waiter


def _shared[Result](key: Hashable, call: Callable[[], Result]) -> Future[Result]:
    with _lock:
        if key in _under_way:
            return _under_way[key]
        future: Future[Result] = Future()
        Thread(target=_run, args=(key, call, future), name="stoa-health-call", daemon=True).start()
        _under_way[key] = future
    return future


def _run[Result](key: Hashable, call: Callable[[], Result], future: Future[Result]) -> None:
    publish: Callable[[], None]
    try:
        publish = partial(future.set_result, call())
    except Exception as error:  # noqa: BLE001 - a thread's border: whatever it is belongs to those who wait
        publish = partial(future.set_exception, error)
    with _lock:
        del _under_way[key]
    publish()
