"""The Python client against a real gateway: it comes back, resumes, and says when to load anew or to stop."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from stoa_realtime import Event, Final, Load, Lost, RealtimeClient

from stoa.kit.ids import new_id
from stoa.platform.realtime.bus import RedisBus
from stoa.platform.testing.servers import ROOT
from stoa.wire.bus import Publication
from tests.gateway.harness import Gateway, Platform, PrivateRedis, gateway_in, publication, ticket


class Person:
    def __init__(self, gateway: Gateway) -> None:
        self.user, self.session = new_id(), new_id()
        self.own = f"user:{self.user}"
        self.asked = 0
        self.client = RealtimeClient(gateway.url, self._ticket)

    async def _ticket(self) -> str:
        self.asked += 1
        return ticket(self.user, self.session)

    async def next(self) -> object:
        return await asyncio.wait_for(anext(self.client), 15)

    async def numbers(self, count: int) -> list[int]:
        said = [await self.next() for _ in range(count)]
        return [one.frame["data"]["number"] for one in said if isinstance(one, Event)]


@pytest.fixture(scope="module")
def platform() -> Platform:
    return Platform()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, platform: Platform):
    with gateway_in(tmp_path_factory.mktemp("gateway"), platform) as made:
        yield made


def test_own_channel_and_one_that_was_asked_for(gateway: Gateway, platform: Platform) -> None:
    async def talk() -> None:
        person, channel = Person(gateway), f"org:{new_id()}"
        platform.allowed.add((person.user, channel))
        async with person.client:
            await person.client.subscribe(channel)
            assert {await person.next(), await person.next()} == {Load(person.own), Load(channel)}
            gateway.publish(channel, 1, 2)
            assert await person.numbers(2) == [1, 2]
            gateway.publish(person.own, 3)
            assert await person.numbers(1) == [3]
            await person.client.unsubscribe(channel)
            await asyncio.sleep(0.1)
            gateway.publish(channel, 4)
            gateway.publish(person.own, 5)
            assert await person.numbers(1) == [5]

    asyncio.run(talk())


def test_what_was_missed_comes_once_and_in_order(tmp_path: Path, platform: Platform) -> None:
    """The gateway is killed; what is published meanwhile waits in Redis."""
    redis = PrivateRedis()
    redis.start()

    async def talk(gateway: Gateway) -> None:
        person, channel = Person(gateway), f"org:{new_id()}"
        platform.allowed.add((person.user, channel))
        async with person.client:
            await person.client.subscribe(channel)
            assert {await person.next(), await person.next()} == {Load(person.own), Load(channel)}
            for round_number in range(3):
                start = round_number * 10
                await asyncio.to_thread(publish, redis, channel, start, start + 5)
                await asyncio.to_thread(publish, redis, person.own, start, start + 5)
                heard = await person.numbers(10)
                assert sorted(heard) == sorted([*range(start, start + 5)] * 2)
                await asyncio.to_thread(gateway.kill)
                await asyncio.to_thread(publish, redis, channel, start + 5, start + 10)
                await asyncio.to_thread(publish, redis, person.own, start + 5, start + 10)
                await asyncio.to_thread(gateway.start)
                said = [await person.next() for _ in range(10)]
                for name in (channel, person.own):
                    mine = [one.frame for one in said if isinstance(one, Event) and one.frame["channel"] == name]
                    assert [frame["data"]["number"] for frame in mine] == [*range(start + 5, start + 10)]
                    assert [frame["offset"] for frame in mine] == [*range(start + 6, start + 11)]
            assert person.client.connections == 4

    try:
        with gateway_in(tmp_path, platform, REALTIME_REDIS_URL=redis.url) as gateway:
            asyncio.run(talk(gateway))
    finally:
        redis.end()


def publish(redis: PrivateRedis, channel: str, start: int, end: int) -> None:
    """Through the platform's own bus client."""
    bus = RedisBus(redis.url)
    for number in range(start, end):
        made = publication(channel, number)
        bus.publish(Publication(**{**made, "id": UUID(made["id"])}))


def test_a_history_that_is_lost_is_loaded_anew(tmp_path: Path, platform: Platform) -> None:
    """On the local bus the gateway's memory is the history."""

    async def talk(gateway: Gateway) -> None:
        person = Person(gateway)
        async with person.client:
            assert await person.next() == Load(person.own)
            first = publication(person.own, 1)
            say(gateway, first)
            assert await person.numbers(1) == [1]
            await asyncio.to_thread(gateway.kill)
            await asyncio.to_thread(gateway.start)
            assert await person.next() == Load(person.own)
            say(gateway, first)  # an event that is said again, to a gateway that no longer knows it
            say(gateway, publication(person.own, 2))
            assert await person.numbers(1) == [2]

    with gateway_in(tmp_path, platform) as gateway:
        asyncio.run(talk(gateway))


def say(gateway: Gateway, *publications: dict[str, Any]) -> None:
    assert gateway.post("/internal/publish", {"publications": publications}).status_code == 200


def test_a_channel_left_and_asked_for_again_at_once_is_heard(gateway: Gateway, platform: Platform) -> None:
    async def talk() -> None:
        person, channel = Person(gateway), f"org:{new_id()}"
        platform.allowed.add((person.user, channel))
        async with person.client:
            await person.client.subscribe(channel)
            assert {await person.next(), await person.next()} == {Load(person.own), Load(channel)}
            await person.client.unsubscribe(channel)
            await person.client.subscribe(channel)
            assert await person.next() == Load(channel)
            await asyncio.sleep(0.1)
            gateway.publish(channel, 1)
            assert await person.numbers(1) == [1]

    asyncio.run(talk())


def test_a_channel_that_cannot_be_judged_now_holds_up_no_other(tmp_path: Path) -> None:
    platform = Platform()

    async def talk(gateway: Gateway) -> None:
        person, channel = Person(gateway), f"org:{new_id()}"
        platform.allowed.add((person.user, channel))
        async with person.client:
            assert await person.next() == Load(person.own)
            platform.is_broken = True
            await person.client.subscribe(channel)
            await asyncio.sleep(0.2)
            began = asyncio.get_running_loop().time()
            gateway.publish(person.own, 1)
            assert await person.numbers(1) == [1]
            assert asyncio.get_running_loop().time() - began < 0.25
            platform.is_broken = False
            assert await person.next() == Load(channel)

    try:
        with gateway_in(tmp_path, platform) as gateway:
            asyncio.run(talk(gateway))
    finally:
        platform.end()


def test_a_channel_one_may_not_hear_and_one_that_is_taken(gateway: Gateway, platform: Platform) -> None:
    async def talk() -> None:
        person, mine, foreign = Person(gateway), f"org:{new_id()}", f"org:{new_id()}"
        platform.allowed.add((person.user, mine))
        async with person.client:
            assert await person.next() == Load(person.own)
            await person.client.subscribe(foreign)
            assert await person.next() == Lost(foreign, "FORBIDDEN")
            await person.client.subscribe(mine)
            assert await person.next() == Load(mine)
            body = {"command": "end_subscription", "user_id": person.user, "channel": mine}
            assert gateway.post("/internal/control", body).status_code == 204
            assert await person.next() == Lost(mine, "permission")

    asyncio.run(talk())


def test_a_revoked_session_is_final(gateway: Gateway) -> None:
    async def talk() -> None:
        person = Person(gateway)
        async with person.client:
            assert await person.next() == Load(person.own)
            body = {"command": "revoke", "user_id": person.user, "session_id": person.session}
            assert gateway.post("/internal/control", body).status_code == 204
            with pytest.raises(Final) as ended:
                await person.next()
        assert (ended.value.code, person.asked) == (3503, 1)

    asyncio.run(talk())


def test_a_ticket_that_cannot_be_had_is_asked_for_again_and_another_fault_is_told(gateway: Gateway) -> None:
    async def talk() -> None:
        person = Person(gateway)
        answers: list[BaseException] = [OSError("the platform is away"), OSError("still")]

        async def ticket_or_not() -> str:
            if answers:
                raise answers.pop()
            return ticket(person.user, person.session)

        async with RealtimeClient(gateway.url, ticket_or_not) as client:
            assert await asyncio.wait_for(anext(client), 15) == Load(person.own)

        async def broken() -> str:
            raise KeyError("a fault of whoever wrote it")

        async with RealtimeClient(gateway.url, broken) as client:
            with pytest.raises(KeyError):
                await asyncio.wait_for(anext(client), 5)

    asyncio.run(talk())


def test_the_frames_are_those_of_the_wire() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/wire_frames.py"), "--check"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
