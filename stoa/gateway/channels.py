"""Rooms: who hears which channel, and from where on.

A room knows the position up to which it has told its subscribers. Whatever comes out of step (a gap, another epoch, the
bus that was away) has one answer: read the history from that position. Each subscription has a position of its own,
so that one that is being filled from history hears nothing twice and nothing early."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from stoa.gateway import figures
from stoa.gateway.bus import Bus, BusDown, History
from stoa.gateway.event_frames import EventFrame, PoisonEvent, durable_frame, ephemeral_frame
from stoa.runtime import context
from stoa.runtime.logs import get_logger
from stoa.wire.bus import Position
from stoa.wire.server_frames import Subscribed, encode

log = get_logger(__name__)


class Hearer(Protocol):
    def send(self, frame: bytes, *, durable: bool = True) -> None: ...


class Subscription:
    """`offset` None: its history is being read, and what comes live meanwhile is held in `held`."""

    __slots__ = ("hearer", "held", "offset")

    def __init__(self, hearer: Hearer) -> None:
        self.hearer = hearer
        self.offset: int | None = None
        self.held: list[tuple[str, int, bytes]] = []


class Room:
    __slots__ = ("channel", "early", "epoch", "filling", "joined", "offset", "subscriptions", "synced")

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.epoch = ""
        """Empty until the first look at the history."""
        self.offset = 0
        self.joined = False
        self.filling: asyncio.Task[None] | None = None
        self.early: list[tuple[str, int, bytes]] = []
        """Came while the history was read."""
        self.synced = asyncio.Event()
        self.subscriptions: dict[Hearer, Subscription] = {}


class Rooms:
    """The bus's listener. `on_command` gets what is said to gateways themselves."""

    def __init__(self, bus: Bus, *, on_command: Callable[[bytes], None], on_bus: Callable[[bool], None]) -> None:
        self.bus = bus
        self._on_command, self._on_bus = on_command, on_bus
        self._rooms: dict[str, Room] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._rooms)

    async def subscribe(self, hearer: Hearer, channel: str, since: Position | None) -> None:
        """Sends `subscribed`, then what was missed, then what happens. While the bus is away, it waits for it.

        Again on one channel: begins anew from the position that is asked for."""
        room = self._rooms.get(channel)
        if room is None:
            room = self._rooms[channel] = Room(channel)
        subscription = room.subscriptions[hearer] = Subscription(hearer)
        if not room.synced.is_set():
            self._fill(room)
        while room.subscriptions.get(hearer) is subscription:
            await room.synced.wait()
            if since is None or Position(epoch=room.epoch, offset=room.offset) == since:
                self._begin(room, subscription, History(room.epoch, room.offset, recovered=since is not None), since)
                return
            subscription.held.clear()
            try:
                history = await self.bus.history(channel, since)
            except BusDown:
                # The bus says itself that it is gone, if it is; a single answer that failed is asked for again.
                await asyncio.sleep(0.05)
                continue
            if history.epoch != room.epoch:
                # History was lost between the room's last look and this one: first the room, then who waits.
                self._fill(room)
                await asyncio.sleep(0.01)
                continue
            if room.subscriptions.get(hearer) is subscription:
                self._begin(room, subscription, history, since)
            return

    def unsubscribe(self, hearer: Hearer, channel: str) -> bool:
        room = self._rooms.get(channel)
        if room is None or room.subscriptions.pop(hearer, None) is None:
            return False
        if not room.subscriptions:
            del self._rooms[channel]
            if room.filling is not None:
                room.filling.cancel()
            room.synced.set()  # who waits sees that its subscription is gone
            self._run(self._leave(channel))
        return True

    def durable(self, channel: str, epoch: str, offset: int, body: bytes) -> None:
        room = self._rooms.get(channel)
        if room is None:
            return
        if room.filling is not None or not room.epoch:
            room.early.append((epoch, offset, body))
        elif epoch == room.epoch and offset == room.offset + 1:
            self._tell(room, offset, body)
        elif epoch != room.epoch or offset > room.offset:
            room.early.append((epoch, offset, body))
            self._fill(room)

    def ephemeral(self, channel: str, body: bytes) -> None:
        room = self._rooms.get(channel)
        if room is None:
            return
        try:
            frame = ephemeral_frame(channel, room.epoch, body)
        except PoisonEvent as error:
            self._bury(channel, None, error)
            return
        for hearer in list(room.subscriptions):
            hearer.send(frame, durable=False)

    def command(self, body: bytes) -> None:
        self._on_command(body)

    def bus_lost(self) -> None:
        for room in self._rooms.values():
            room.joined = False
            room.synced.clear()
        self._on_bus(False)

    def bus_returned(self) -> None:
        for room in list(self._rooms.values()):
            self._fill(room)
        self._on_bus(True)

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, room: Room, subscription: Subscription, history: History, since: Position | None) -> None:
        """Its first frame, and everything up to where the room's own telling takes over."""
        start = since.offset if since is not None and history.recovered else history.top
        said = Subscribed(channel=room.channel, epoch=history.epoch, offset=start, recovered=history.recovered)
        subscription.hearer.send(encode(said).encode())
        for offset, body in history.missed:
            self._send_one(room.channel, history.epoch, subscription, offset, body)
        subscription.offset = history.top
        held, subscription.held = subscription.held, []
        for epoch, offset, body in held:
            if epoch == history.epoch and offset > subscription.offset:
                self._send_one(room.channel, epoch, subscription, offset, body)
                subscription.offset = offset

    def _send_one(self, channel: str, epoch: str, subscription: Subscription, offset: int, body: bytes) -> None:
        try:
            frame = durable_frame(channel, epoch, offset, body)
        except PoisonEvent as error:
            self._bury(channel, offset, error)
            return
        subscription.hearer.send(frame.body)
        _note(channel, offset, frame, 1)

    def _tell(self, room: Room, offset: int, body: bytes) -> None:
        """The next event to all; an event that cannot be said is passed over, never a reason to stop."""
        room.offset = offset
        try:
            frame = durable_frame(room.channel, room.epoch, offset, body)
        except PoisonEvent as error:
            self._bury(room.channel, offset, error)
            return
        figures.EVENTS.inc()
        sockets = 0
        for subscription in list(room.subscriptions.values()):
            if subscription.offset is None:
                subscription.held.append((room.epoch, offset, body))
            elif offset > subscription.offset:
                subscription.offset = offset
                subscription.hearer.send(frame.body)
                sockets += 1
        _note(room.channel, offset, frame, sockets)

    def _bury(self, channel: str, offset: int | None, error: PoisonEvent) -> None:
        figures.POISON.inc()
        log.error("an event cannot be sent and is passed over", channel=channel, offset=offset, reason=str(error))

    def _fill(self, room: Room) -> None:
        if room.filling is None:
            room.filling = self._run(self._catch_up(room))

    async def _catch_up(self, room: Room) -> None:
        """Bring the room to the top of its history. When the bus is away it ends, and `bus_returned` begins it again."""
        try:
            if not room.joined:
                await self.bus.join(room.channel)
                room.joined = True
            since = Position(epoch=room.epoch, offset=room.offset) if room.epoch else None
            history = await self.bus.history(room.channel, since)
        except BusDown:
            room.filling = None
            if self.bus.is_up:  # one answer came too late; nothing else will begin it again
                await asyncio.sleep(0.1)
                if self._rooms.get(room.channel) is room:
                    self._fill(room)
            return
        if history.recovered:
            for offset, body in history.missed:
                self._tell(room, offset, body)
        else:
            self._begin_anew(room, history)
        early, room.early, room.filling = room.early, [], None
        room.synced.set()
        for epoch, offset, body in early:
            self.durable(room.channel, epoch, offset, body)

    def _begin_anew(self, room: Room, history: History) -> None:
        """Another epoch, or a gap that history no longer holds: everybody refetches."""
        first, room.epoch, room.offset = not room.epoch, history.epoch, history.top
        if first:
            return
        said = encode(Subscribed(channel=room.channel, epoch=history.epoch, offset=history.top, recovered=False))
        for subscription in list(room.subscriptions.values()):
            if subscription.offset is not None:
                subscription.offset = history.top
                subscription.hearer.send(said.encode())

    async def _leave(self, channel: str) -> None:
        if channel not in self._rooms:
            await self.bus.leave(channel)
            if channel in self._rooms:  # somebody came while it was left
                room = self._rooms[channel]
                room.joined = False
                self._fill(room)

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _note(channel: str, offset: int, frame: EventFrame, sockets: int) -> None:
    """The end of the event's way, for `manage.py trace`: a line an event and room, and one for each who missed it."""
    with context.scope(request_id=frame.request_id):
        log.info("event told", channel=channel, offset=offset, event_id=frame.id, type=frame.type, sockets=sockets)
