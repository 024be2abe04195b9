"""The bus of several gateways: histories and Pub/Sub in Redis, by the scripts of stoa.wire.bus.

One connection a process listens. redis-py's own loop loses what was published while it reconnects, in silence, and
gives up after seconds; so the loop is ours, and whoever listens is told to compare positions when it is back."""

import asyncio
import contextlib
import random
import secrets
from collections.abc import Awaitable
from typing import Any

import orjson
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from stoa.gateway.bus import BusDown, History, Listener
from stoa.runtime.logs import get_logger
from stoa.wire.bus import (
    CONTROL,
    HISTORY_EVENTS,
    HISTORY_S,
    HISTORY_SCRIPT,
    LIVE,
    META_S,
    PUBLISH_SCRIPT,
    Command,
    Position,
    Publication,
    body_of,
    meta_key,
    seen_key,
    stream_key,
    ticket_key,
)

ANSWER_S = 1.0
SILENCE_S = 5.0
"""Without a message for so long the listener asks whether anybody is there."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0
ASKING = 4
"""Connections for histories and publications, besides the one that listens."""

log = get_logger(__name__)


class RedisBus:
    def __init__(self, address: str) -> None:
        pool = BlockingConnectionPool.from_url(
            address,
            max_connections=ASKING,
            timeout=ANSWER_S,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=ANSWER_S,
            socket_connect_timeout=ANSWER_S,
        )
        self._asking = Redis.from_pool(pool)
        self._listening = Redis.from_url(
            address,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=ANSWER_S,
            socket_connect_timeout=ANSWER_S,
            max_connections=1,
        )
        self._publish = self._asking.register_script(PUBLISH_SCRIPT)
        self._history = self._asking.register_script(HISTORY_SCRIPT)
        self._listener: Listener | None = None
        self._pubsub: PubSub | None = None
        self._task: asyncio.Task[None] | None = None
        self._joined: dict[str, asyncio.Future[None]] = {}
        self._up = False

    @property
    def is_up(self) -> bool:
        return self._up

    async def start(self, listener: Listener) -> None:
        self._listener = listener
        self._task = asyncio.create_task(self._listen_for_ever(), name="bus")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._listening.aclose()
        await self._asking.aclose()

    async def join(self, channel: str) -> None:
        known = self._joined.get(channel)
        if known is None:
            known = self._joined[channel] = asyncio.get_running_loop().create_future()
            if self._pubsub is None or not self._up:
                raise BusDown
            try:
                await self._pubsub.subscribe(LIVE + channel)
            except (RedisError, OSError):
                raise BusDown from None  # the loop notices by itself, and joins again
        elif not self._up:
            raise BusDown
        try:
            await asyncio.wait_for(asyncio.shield(known), ANSWER_S)
        except TimeoutError:
            raise BusDown from None

    async def leave(self, channel: str) -> None:
        if self._joined.pop(channel, None) is not None and self._pubsub is not None and self._up:
            with contextlib.suppress(RedisError, OSError):
                await self._pubsub.unsubscribe(LIVE + channel)

    async def history(self, channel: str, since: Position | None) -> History:
        asked = since or Position(epoch="", offset=0)
        arguments = (secrets.token_hex(8), asked.epoch, asked.offset, META_S, HISTORY_EVENTS)
        keys = [meta_key(channel), stream_key(channel)]
        epoch, top, recovered, entries = await _answer(self._history(keys=keys, args=arguments))
        missed = tuple((int(entry.partition(b"-")[0]), fields[1]) for entry, fields in entries)
        return History(epoch.decode(), int(top), recovered=bool(recovered), missed=missed)

    async def publish(self, publication: Publication) -> Position | None:
        channel, body = publication.channel, body_of(publication)
        if publication.ephemeral:
            await _answer(self._asking.publish(LIVE + channel, b"e " + body))
            return None
        keys = [meta_key(channel), stream_key(channel), seen_key(channel, publication.id), LIVE + channel]
        arguments = (body, secrets.token_hex(8), HISTORY_EVENTS, HISTORY_S, META_S)
        epoch, offset, _ = await _answer(self._publish(keys=keys, args=arguments))
        return Position(epoch=epoch.decode(), offset=int(offset))

    async def command(self, command: Command) -> None:
        await _answer(self._asking.publish(CONTROL, orjson.dumps(command)))

    async def use_once(self, ticket_id: str, life_s: int) -> bool:
        return bool(await _answer(self._asking.set(ticket_key(ticket_id), b"1", nx=True, ex=life_s)))

    async def _listen_for_ever(self) -> None:
        wait = FIRST_WAIT_S
        known_lost = False
        while True:
            try:
                async with self._listening.pubsub() as pubsub:
                    await self._subscribe_all(pubsub)
                    wait, known_lost = FIRST_WAIT_S, False
                    await self._listen(pubsub)
            except (RedisError, OSError, TimeoutError) as error:
                if not known_lost:  # once an outage, however often it is tried
                    log.warning("the bus is gone; sockets stay, events wait", error=type(error).__name__)
                    known_lost = True
            finally:
                self._lose()
            await asyncio.sleep(random.uniform(wait / 2, wait))
            wait = min(wait * 2, LONGEST_WAIT_S)

    async def _subscribe_all(self, pubsub: PubSub) -> None:
        """Raises what redis-py does. Joins that come in meanwhile wait for the answer of the next round."""
        await pubsub.subscribe(CONTROL, *(LIVE + channel for channel in self._joined))
        waiting = {CONTROL.encode(), *((LIVE + channel).encode() for channel in self._joined)}
        while waiting:
            message = await pubsub.get_message(timeout=ANSWER_S)
            if message is None:
                raise TimeoutError
            if message["type"] == "subscribe":
                waiting.discard(message["channel"])
            self._take(message)
        self._pubsub, self._up = pubsub, True
        # Joined while the answers were read.
        late = [LIVE + channel for channel, known in self._joined.items() if not known.done()]
        if late:
            await pubsub.subscribe(*late)
        log.info("the bus is there", channels=len(self._joined))
        if self._listener is not None:
            self._listener.bus_returned()

    async def _listen(self, pubsub: PubSub) -> None:
        asked = False
        while True:
            message = await pubsub.get_message(timeout=SILENCE_S)
            if message is not None:
                asked = False
                self._take(message)
                continue
            if asked:
                raise TimeoutError
            await pubsub.ping()
            asked = True

    def _take(self, message: dict[str, Any]) -> None:
        listener = self._listener
        name = message["channel"].decode(errors="replace") if message["channel"] else ""
        channel = name.removeprefix(LIVE)
        if message["type"] == "subscribe":
            known = self._joined.get(channel)
            if known is not None and not known.done():
                known.set_result(None)
        elif message["type"] != "message" or listener is None:
            return
        elif name == CONTROL:
            listener.command(message["data"])
        elif (live := _read(message["data"])) is None:
            log.error("unreadable message on the bus", channel=channel)
        elif isinstance(live, bytes):
            listener.ephemeral(channel, live)
        else:
            listener.durable(channel, *live)

    def _lose(self) -> None:
        was_up, self._up, self._pubsub = self._up, False, None
        loop = asyncio.get_running_loop()
        for channel, known in self._joined.items():
            if known.done():
                self._joined[channel] = loop.create_future()
        if was_up and self._listener is not None:
            self._listener.bus_lost()


def _read(data: bytes) -> tuple[str, int, bytes] | bytes | None:
    if data.startswith(b"e "):
        return data[2:]
    parts = data.split(b" ", 3)
    if len(parts) != 4 or parts[0] != b"d" or not parts[2].isdigit():
        return None
    return parts[1].decode("ascii", "replace"), int(parts[2]), parts[3]


async def _answer(asked: Awaitable[Any]) -> Any:
    try:
        return await asked
    except (RedisError, OSError, TimeoutError):
        raise BusDown from None
