"""One suite for both buses: offsets, epochs, history, repeated publications, live order, tickets, commands."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from stoa.gateway.bus import Bus
from stoa.gateway.bus_local import LocalBus
from stoa.gateway.bus_redis import RedisBus
from stoa.kit.ids import new_id, new_uuid
from stoa.wire.bus import HISTORY_EVENTS, Position, Publication, Revoke
from tests.gateway.harness import PrivateRedis


class Heard:
    def __init__(self) -> None:
        self.live: list[tuple[str, int]] = []
        self.passing: list[str] = []
        self.commands: list[bytes] = []
        self.returned = asyncio.Event()

    def durable(self, channel: str, epoch: str, offset: int, body: bytes) -> None:
        self.live.append((channel, offset))

    def ephemeral(self, channel: str, body: bytes) -> None:
        self.passing.append(channel)

    def command(self, body: bytes) -> None:
        self.commands.append(body)

    def bus_lost(self) -> None:
        self.returned.clear()

    def bus_returned(self) -> None:
        self.returned.set()


@pytest.fixture(scope="module")
def redis_server() -> Iterator[PrivateRedis]:
    made = PrivateRedis()
    made.start()
    yield made
    made.end()


@pytest.fixture(params=["local", pytest.param("redis", marks=pytest.mark.redis)])
def make_bus(request: pytest.FixtureRequest) -> Callable[[], Bus]:
    if request.param == "local":
        return LocalBus
    server: PrivateRedis = request.getfixturevalue("redis_server")
    return lambda: RedisBus(server.url)


@asynccontextmanager
async def started(make_bus: Callable[[], Bus]) -> AsyncIterator[tuple[Bus, Heard]]:
    bus, heard = make_bus(), Heard()
    await bus.start(heard)
    try:
        if isinstance(bus, RedisBus):
            await asyncio.wait_for(heard.returned.wait(), 5)
        yield bus, heard
    finally:
        await bus.stop()


def event(channel: str, number: int = 1, *, ephemeral: bool = False) -> Publication:
    return Publication(
        channel=channel,
        id=new_uuid(),
        type="notification",
        at="2026-01-01T00:00:00.000Z",
        request_id="r",
        data={"number": number},
        ephemeral=ephemeral,
    )


def on(make_bus: Callable[[], Bus], talk: Callable[[Bus, Heard, str], Awaitable[None]]) -> None:
    async def run() -> None:
        async with started(make_bus) as (bus, heard):
            await talk(bus, heard, f"user:{new_id()}")

    asyncio.run(run())


async def came(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what it waits for happens in a server
            await asyncio.sleep(0.005)


def test_offsets_count_from_one_and_live_order_is_theirs(make_bus: Callable[[], Bus]) -> None:
    async def talk(bus: Bus, heard: Heard, channel: str) -> None:
        await bus.join(channel)
        positions = [await bus.publish(event(channel, number)) for number in range(20)]
        assert [position.offset for position in positions if position] == list(range(1, 21))
        assert len({position.epoch for position in positions if position}) == 1
        await came(lambda: len(heard.live) == 20)
        assert heard.live == [(channel, offset) for offset in range(1, 21)]

    on(make_bus, talk)


def test_history_is_whole_or_says_so(make_bus: Callable[[], Bus]) -> None:
    async def talk(bus: Bus, heard: Heard, channel: str) -> None:
        empty = await bus.history(channel, None)
        assert (empty.top, empty.recovered) == (0, False)
        for number in range(5):
            await bus.publish(event(channel, number))
        whole = await bus.history(channel, Position(epoch=empty.epoch, offset=0))
        assert (whole.epoch, whole.top, whole.recovered) == (empty.epoch, 5, True)
        assert [offset for offset, _ in whole.missed] == [1, 2, 3, 4, 5]
        some = await bus.history(channel, Position(epoch=empty.epoch, offset=3))
        assert [offset for offset, _ in some.missed] == [4, 5]
        assert (await bus.history(channel, Position(epoch=empty.epoch, offset=5))).recovered
        for lost in (Position(epoch=empty.epoch, offset=6), Position(epoch="another", offset=3)):
            assert not (await bus.history(channel, lost)).recovered

    on(make_bus, talk)


def test_beyond_the_history_nothing_is_recovered(make_bus: Callable[[], Bus]) -> None:
    async def talk(bus: Bus, heard: Heard, channel: str) -> None:
        first = await bus.history(channel, None)
        for number in range(HISTORY_EVENTS + 200):
            await bus.publish(event(channel, number))
        assert not (await bus.history(channel, Position(epoch=first.epoch, offset=1))).recovered
        assert (await bus.history(channel, Position(epoch=first.epoch, offset=HISTORY_EVENTS + 190))).recovered

    on(make_bus, talk)


def test_repeated_publication_has_its_first_offset_and_is_heard_once(make_bus: Callable[[], Bus]) -> None:
    async def talk(bus: Bus, heard: Heard, channel: str) -> None:
        await bus.join(channel)
        same = event(channel)
        first = await bus.publish(same)
        await bus.publish(event(channel))
        assert await bus.publish(same) == first
        await came(lambda: len(heard.live) >= 2)
        await asyncio.sleep(0.05)
        assert [offset for _, offset in heard.live] == [1, 2]

    on(make_bus, talk)


def test_ephemeral_has_no_offset_and_no_history(make_bus: Callable[[], Bus]) -> None:
    async def talk(bus: Bus, heard: Heard, channel: str) -> None:
        await bus.join(channel)
        assert await bus.publish(event(channel, ephemeral=True)) is None
        await came(lambda: heard.passing == [channel])
        assert (await bus.history(channel, None)).top == 0

    on(make_bus, talk)


def test_ticket_is_used_once_also_at_the_same_time(make_bus: Callable[[], Bus]) -> None:
    async def talk(bus: Bus, heard: Heard, channel: str) -> None:
        used = await asyncio.gather(*(bus.use_once(channel, 30) for _ in range(8)))
        assert sorted(used) == [False] * 7 + [True]

    on(make_bus, talk)


def test_command_reaches_the_gateway(make_bus: Callable[[], Bus]) -> None:
    async def talk(bus: Bus, heard: Heard, channel: str) -> None:
        await bus.command(Revoke(user_id=new_uuid()))
        await came(lambda: len(heard.commands) == 1)

    on(make_bus, talk)


@pytest.mark.redis
def test_two_gateways_hear_the_same_over_one_listening_connection_each(redis_server: PrivateRedis) -> None:
    def make() -> Bus:
        return RedisBus(redis_server.url)

    async def run() -> None:
        async with started(make) as (one, heard_one), started(make) as (two, heard_two):
            channels = [f"user:{new_id()}" for _ in range(50)]
            for channel in channels:
                await asyncio.gather(one.join(channel), two.join(channel))
            for channel in channels:
                await one.publish(event(channel))
            await came(lambda: len(heard_one.live) == len(heard_two.live) == 50)
            assert heard_one.live == heard_two.live
            import redis

            with redis.Redis(port=redis_server.port) as client:
                assert sum(line["sub"] != "0" for line in client.client_list(_type="pubsub")) == 2

    asyncio.run(run())
