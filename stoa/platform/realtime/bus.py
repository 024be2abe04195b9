"""Handing events and commands to the gateways: through Redis, or to the one gateway of this machine."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import orjson
import redis

from stoa.kit.errors import Unavailable
from stoa.platform.db.transactions import refuse_in_transaction
from stoa.platform.redis import client_of
from stoa.runtime.config.current import settings
from stoa.runtime.http_client import HttpClient, NoAnswer
from stoa.runtime.internal_secret import internal_secret
from stoa.runtime.logs import get_logger
from stoa.wire.bus import (
    CONTROL,
    HISTORY_EVENTS,
    HISTORY_S,
    LIVE,
    META_S,
    PUBLISH_SCRIPT,
    Command,
    Publication,
    body_of,
    meta_key,
    seen_key,
    stream_key,
)
from stoa.wire.internal import CONTROL_PATH, PUBLISH_PATH, PublishRequest

ANSWER_S = 2.0
"""For the gateway of this machine; Redis has its own deadline."""
PAUSE_S = 0.5
"""After one that failed, the next are refused for so long without asking: each would wait for its deadline."""

log = get_logger(__name__)


class BusAway(Unavailable):
    """Neither Redis nor a gateway takes it now. What is in the outbox waits there."""

    code, message = "REALTIME_AWAY", "The realtime bus is away."


class Bus(Protocol):
    """Both raise BusAway."""

    def publish(self, publication: Publication) -> None: ...

    def command(self, command: Command) -> None: ...


class RedisBus:
    """One script gives an event its offset, its place in the history and its listeners; again it gives the same."""

    def __init__(self, address: str) -> None:
        self._client = client_of(address)
        self._script = self._client.register_script(PUBLISH_SCRIPT)

    def publish(self, publication: Publication) -> None:
        channel, body = publication.channel, body_of(publication)
        try:
            if publication.ephemeral:
                self._client.publish(f"{LIVE}{channel}", b"e " + body)
                return
            self._script(
                keys=[meta_key(channel), stream_key(channel), seen_key(channel, publication.id), f"{LIVE}{channel}"],
                args=[body, secrets.token_hex(8), HISTORY_EVENTS, HISTORY_S, META_S],
            )
        except redis.RedisError as error:
            raise BusAway(type(error).__name__) from error

    def command(self, command: Command) -> None:
        try:
            self._client.publish(CONTROL, orjson.dumps(command))
        except redis.RedisError as error:
            raise BusAway(type(error).__name__) from error


class GatewayBus:
    """No Redis: the one gateway on this machine takes them over loopback, and keeps the history in its memory."""

    def __init__(self, address: str) -> None:
        headers = {"authorization": f"Bearer {internal_secret()}", "content-type": "application/json"}
        self._client = HttpClient("gateway", guard=refuse_in_transaction, base_url=address, headers=headers)

    def publish(self, publication: Publication) -> None:
        self._post(PUBLISH_PATH, orjson.dumps(PublishRequest(publications=(publication,))))

    def command(self, command: Command) -> None:
        self._post(CONTROL_PATH, orjson.dumps(command))

    def _post(self, path: str, body: bytes) -> None:
        try:
            answer = self._client.request("POST", path, content=body, deadline_s=ANSWER_S)
        except NoAnswer as error:
            raise BusAway("the gateway does not answer") from error
        if answer.status_code >= 300:
            raise BusAway(f"the gateway answered {answer.status_code}")


class MemoryBus:
    """For tests. `broken` makes it away."""

    def __init__(self) -> None:
        self.published: list[Publication] = []
        self.commands: list[Command] = []
        self.broken = False

    def publish(self, publication: Publication) -> None:
        if self.broken:
            raise BusAway
        self.published.append(publication)

    def command(self, command: Command) -> None:
        if self.broken:
            raise BusAway
        self.commands.append(command)


class _Nobody:
    """REALTIME_BUS=off: there is no gateway, so there is nothing to tell and nothing to keep for later."""

    def publish(self, publication: Publication) -> None:
        pass

    def command(self, command: Command) -> None:
        pass


class _Patience:
    """Says once that the bus is away and once that it is back."""

    def __init__(self) -> None:
        self.away_until_s: float | None = None

    @contextmanager
    def asking(self) -> Iterator[None]:
        if self.away_until_s is not None and time.monotonic() < self.away_until_s:
            raise BusAway
        try:
            yield
        except BusAway as error:
            if self.away_until_s is None:
                log.warning("the realtime bus is away; events wait in the outbox", reason=str(error))
            self.away_until_s = time.monotonic() + PAUSE_S
            raise
        if self.away_until_s is not None:
            log.info("the realtime bus is back")
            self.away_until_s = None


_memory = MemoryBus()
_chosen: list[Bus] = []
_made: dict[str, Bus] = {}
_patience = _Patience()


def publish(publication: Publication) -> None:
    """Raises BusAway, OutsideCallInTransaction."""
    refuse_in_transaction("a realtime event")
    with _patience.asking():
        _bus().publish(publication)


def command(what: Command) -> None:
    """Raises BusAway, OutsideCallInTransaction."""
    refuse_in_transaction("a realtime command")
    with _patience.asking():
        _bus().command(what)


def _bus() -> Bus:
    if _chosen:
        return _chosen[-1]
    current = settings()
    if current.realtime_bus == "memory":
        return _memory
    if current.realtime_bus == "off":
        return _Nobody()
    if current.realtime_address is not None:
        address = current.realtime_address
        return _made.get(address) or _made.setdefault(address, RedisBus(address))
    address = current.gateway_address
    return _made.get(address) or _made.setdefault(address, GatewayBus(address))


@contextmanager
def bus_in_use(instead: Bus) -> Iterator[None]:
    """For tests: another bus than the configured one."""
    _chosen.append(instead)
    _patience.away_until_s = None
    try:
        yield
    finally:
        _chosen.remove(instead)
        _patience.away_until_s = None
