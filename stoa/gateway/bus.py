"""What a bus is to the gateway; `bus_local` and `bus_redis` are two, under one suite of tests."""

from dataclasses import dataclass
from typing import Protocol

from stoa.wire.bus import Command, Position, Publication


class BusDown(Exception):
    """The bus cannot be asked now. It says when it is back: `Listener.bus_returned`."""


@dataclass(frozen=True, slots=True)
class History:
    """`recovered`: `missed` is everything after the position asked about, up to `top`. Otherwise it is empty."""

    epoch: str
    top: int
    recovered: bool
    missed: tuple[tuple[int, bytes], ...] = ()


class Listener(Protocol):
    """Called in the order in which a channel's events were given their offsets; must not block and must not raise."""

    def durable(self, channel: str, epoch: str, offset: int, body: bytes) -> None: ...
    def ephemeral(self, channel: str, body: bytes) -> None: ...
    def command(self, body: bytes) -> None: ...
    def bus_lost(self) -> None: ...
    def bus_returned(self) -> None: ...


class Bus(Protocol):
    @property
    def is_up(self) -> bool: ...

    async def start(self, listener: Listener) -> None: ...
    async def stop(self) -> None: ...

    async def join(self, channel: str) -> None:
        """After it every event of the channel reaches the listener. Raises BusDown; joined again when it returns."""

    async def leave(self, channel: str) -> None: ...

    async def history(self, channel: str, since: Position | None) -> History:
        """Raises BusDown. A channel that never was gets an epoch, so that somebody can come back to it."""

    async def publish(self, publication: Publication) -> Position | None:
        """None for an ephemeral one. The same id again has the first one's position. Raises BusDown."""

    async def command(self, command: Command) -> None:
        """To every gateway. Raises BusDown."""

    async def use_once(self, ticket_id: str, life_s: int) -> bool:
        """True the first time. Raises BusDown."""
