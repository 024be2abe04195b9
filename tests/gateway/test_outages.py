"""What breaks around the gateway: a stalled reader, Redis away and back, the gateway killed, stopped, stormed."""

import asyncio
import contextlib
import socket
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis

from stoa.kit.ids import new_id, new_uuid
from stoa.wire.bus import (
    HISTORY_EVENTS,
    HISTORY_S,
    LIVE,
    META_S,
    PUBLISH_SCRIPT,
    Publication,
    body_of,
    meta_key,
    seen_key,
    stream_key,
)
from tests.gateway.harness import Client, Gateway, Platform, PrivateRedis, gateway_in, token, until

STALL_EVENTS = 150


class Publisher:
    """What the platform's bus client does: the script, again until it has answered."""

    def __init__(self, server: PrivateRedis) -> None:
        self._client = redis.Redis(port=server.port, db=1, socket_timeout=0.5, socket_connect_timeout=0.5)
        self._script = self._client.register_script(PUBLISH_SCRIPT)

    def publish(self, channel: str, number: int, *, body: bytes | None = None) -> None:
        event = Publication(
            channel=channel,
            id=new_uuid(),
            type="notification",
            at="2026-01-01T00:00:00.000Z",
            request_id="r",
            data={"number": number},
        )
        keys = [meta_key(channel), stream_key(channel), seen_key(channel, event.id), LIVE + channel]
        arguments = [body or body_of(event), new_id(), HISTORY_EVENTS, HISTORY_S, META_S]
        for _ in range(1000):
            with contextlib.suppress(redis.RedisError):
                self._script(keys=keys, args=arguments)
                return
            time.sleep(0.02)
        raise AssertionError("Redis did not return")


@pytest.fixture
def server() -> Iterator[PrivateRedis]:
    made = PrivateRedis()
    made.start()
    yield made
    made.end()


@pytest.fixture
def clustered(tmp_path: Path, platform: Platform, server: PrivateRedis) -> Iterator[Gateway]:
    with gateway_in(tmp_path, platform, REALTIME_REDIS_URL=server.url) as made:
        until(lambda: (made.health() or {}).get("bus") == "up")
        yield made


def with_a_small_window(port: int) -> socket.socket:
    """Connected so that the kernel hardly buffers what nobody reads."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", port))
    made.setblocking(False)
    return made


async def in_thread(call: object, *arguments: object) -> None:
    assert callable(call)
    await asyncio.get_running_loop().run_in_executor(None, lambda: call(*arguments))


def test_one_stalled_reader_among_51_costs_the_others_nothing(tmp_path: Path, platform: Platform) -> None:
    async def talk(gateway: Gateway) -> None:
        org = f"org:{new_id()}"
        clients = [Client(gateway.url) for _ in range(51)]
        async with contextlib.AsyncExitStack() as stack:
            for number, client in enumerate(clients):
                platform.allowed.add((client.user, org))
                options = {} if number else {"sock": with_a_small_window(gateway.port)}
                await stack.enter_async_context(client.signed_in(**options))
                await client.say(op="subscribe", channel=org)
                await client.until("subscribed", channel=org)
            stalled, healthy = clients[0], clients[1:]
            assert stalled.socket is not None
            stalled.socket.transport.pause_reading()

            async def hear(client: Client) -> list[float]:
                waits = []
                for number in range(STALL_EVENTS):
                    assert await client.numbers(1) == [number]
                    waits.append(time.monotonic() - sent[number])
                return waits

            sent: dict[int, float] = {}
            hearing = [asyncio.create_task(hear(client)) for client in healthy]
            for number in range(STALL_EVENTS):
                sent[number] = time.monotonic()
                await in_thread(lambda n=number: gateway.publish(org, n, size=6_000))
            waits = [wait for waits in await asyncio.gather(*hearing) for wait in waits]
            assert len(waits) == STALL_EVENTS * 50
            assert statistics.quantiles(waits, n=100)[98] < 1
            await in_thread(until, lambda: "3008" in gateway.output())
            stalled.socket.transport.resume_reading()
            assert (await stalled.closed())[0] in {3008, 1006}

    with gateway_in(tmp_path, platform, GATEWAY_OUTBOX_BYTES="100000") as gateway:
        asyncio.run(talk(gateway))


@pytest.mark.redis
def test_redis_away_for_two_seconds_loses_nothing(clustered: Gateway, server: PrivateRedis) -> None:
    """Its data kept, as after a restart with persistence: the process is stopped and goes on."""
    publisher = Publisher(server)

    async def talk() -> None:
        async with Client(clustered.url).signed_in() as client:
            await in_thread(publisher.publish, client.own, 0)
            assert await client.numbers(1) == [0]
            assert server.process is not None
            with redis.Redis(port=server.port) as admin:
                admin.client_kill_filter(_type="pubsub")
                for number in range(1, 20):  # published while nobody listens
                    publisher.publish(client.own, number)
            assert await client.numbers(19) == list(range(1, 20))
            server.process.send_signal(19)
            publishing = asyncio.create_task(in_thread(publisher.publish, client.own, 20))
            await asyncio.sleep(2)
            server.process.send_signal(18)
            await publishing
            assert await client.numbers(1) == [20]
            await client.say(op="ping")
            assert (await client.until("pong"))["op"] == "pong"

    asyncio.run(talk())


@pytest.mark.redis
def test_redis_that_returns_empty_is_said_to_everybody(clustered: Gateway, server: PrivateRedis) -> None:
    publisher = Publisher(server)

    async def talk() -> None:
        async with Client(clustered.url).signed_in() as client:
            await in_thread(publisher.publish, client.own, 1)
            old = (await client.until("event"))["epoch"]
            server.end()
            until(lambda: (clustered.health() or {}).get("status") == "degraded")
            await asyncio.sleep(1)
            server.start()
            fresh = await client.until("subscribed", within_s=10)
            assert (fresh["recovered"], fresh["offset"]) == (False, 0)
            assert fresh["epoch"] != old
            await in_thread(publisher.publish, client.own, 2)
            assert (await client.until("event"))["offset"] == 1
            await client.say(op="subscribe", channel=client.own, epoch=old, offset=1)
            assert not (await client.until("subscribed"))["recovered"]
        assert clustered.output().count("the bus is gone") == 1

    asyncio.run(talk())


@pytest.mark.redis
def test_revocation_while_redis_is_away_closes_by_the_batched_check(
    clustered: Gateway, server: PrivateRedis, platform: Platform
) -> None:
    async def talk() -> None:
        async with Client(clustered.url).signed_in() as client, Client(clustered.url).signed_in() as other:
            server.end()
            until(lambda: (clustered.health() or {}).get("bus") == "down")
            platform.revoked.add(client.session)
            assert (await client.closed(within_s=8))[0] == 3503
            await other.say(op="ping")
            await other.until("pong")

    asyncio.run(talk())


@pytest.mark.redis
def test_gateway_killed_while_events_flow_leaves_no_gap_and_no_double(clustered: Gateway, server: PrivateRedis) -> None:
    publisher = Publisher(server)

    async def talk() -> None:
        client = Client(clustered.url)
        seen: list[int] = []
        position: dict[str, object] = {}

        async def hear(count: int) -> None:
            while len(seen) < count:
                event = await client.until("event", within_s=10)
                position.update(epoch=event["epoch"], offset=event["offset"])
                seen.append(event["data"]["number"])

        async def publish() -> None:
            for number in range(120):
                await in_thread(publisher.publish, client.own, number)
                await asyncio.sleep(0.005)

        async with client.signed_in():
            publishing = asyncio.create_task(publish())
            await hear(30)
            clustered.kill()
            client.frames.clear()
        await in_thread(clustered.start)
        async with client.signed_in():
            await client.say(op="subscribe", channel=client.own, **position)
            # What came on the socket's own beginning is not counted: the answer begins anew at our position.
            answer = await client.until("subscribed", recovered=True)
            assert answer["offset"] == position["offset"]
            await publishing
            await hear(120)
        assert seen == list(range(120))

    asyncio.run(talk())


@pytest.mark.redis
def test_poison_event_is_passed_over(clustered: Gateway, server: PrivateRedis) -> None:
    publisher = Publisher(server)

    async def talk() -> None:
        async with Client(clustered.url).signed_in() as client:
            for number, body in enumerate([None, b"{", b"[]", b"\xff", b'{"id":1}', None]):
                publisher.publish(client.own, number, body=body)
            with redis.Redis(port=server.port, db=1) as raw:
                raw.publish(LIVE + client.own, b"nonsense")
                raw.publish("stoa:rt:control", b"nonsense")
            assert await client.numbers(2) == [0, 5]
        assert clustered.output().count("passed over") == 4

    asyncio.run(talk())


def test_stopping_tells_everybody_when_to_return(tmp_path: Path, platform: Platform) -> None:
    async def talk(gateway: Gateway) -> None:
        clients = [Client(gateway.url) for _ in range(20)]
        async with contextlib.AsyncExitStack() as stack:
            for client in clients:
                await stack.enter_async_context(client.signed_in())
            stopping = asyncio.get_running_loop().run_in_executor(None, gateway.stop)
            ends = [await client.closed() for client in clients]
            assert {code for code, _ in ends} == {3001}
            waits = [int(reason.removeprefix("retry after ")) for _, reason in ends]
            assert all(0 <= wait <= 10_000 for wait in waits)
            assert len(set(waits)) > 10
            assert await stopping == 0

    with gateway_in(tmp_path, platform) as gateway:
        asyncio.run(talk(gateway))


def test_storm_of_reconnects_is_let_in_at_its_pace(tmp_path: Path, platform: Platform) -> None:
    async def talk(gateway: Gateway) -> None:
        async with Client(gateway.url).signed_in() as settled:
            before = platform.count("/sessions")

            async def come() -> float:
                client = Client(gateway.url)
                began = time.monotonic()
                async with client.open():
                    await client.say(op="auth", token=token(client.user, client.session))
                    await client.until("subscribed", within_s=15)
                return time.monotonic() - began

            coming = [asyncio.create_task(come()) for _ in range(150)]
            waits = []
            while not all(task.done() for task in coming):
                asked = time.monotonic()
                await settled.say(op="ping")
                await settled.until("pong")
                waits.append(time.monotonic() - asked)
                await asyncio.sleep(0.05)
            await asyncio.gather(*coming)
            assert max(waits) < 1
            # Who comes while an answer is awaited is asked about together.
            assert platform.count("/sessions") - before < 75

    platform.answer_s = 0.03
    with gateway_in(tmp_path, platform, GATEWAY_ACCEPTS_PER_S="150") as gateway:
        asyncio.run(talk(gateway))
    platform.answer_s = 0.0


def test_nobody_who_says_nothing_keeps_a_place(tmp_path: Path, platform: Platform) -> None:
    async def talk(gateway: Gateway) -> None:
        async with Client(gateway.url).open() as silent:
            assert (await silent.closed())[0] == 3500

    with gateway_in(tmp_path, platform, GATEWAY_HANDSHAKE_S="0.4") as gateway:
        asyncio.run(talk(gateway))


def test_peer_without_a_pong_is_closed(tmp_path: Path, platform: Platform) -> None:
    async def talk(gateway: Gateway) -> None:
        async with Client(gateway.url).signed_in() as client:
            assert client.socket is not None
            client.socket.protocol.recv_ping = lambda *_: None  # type: ignore[attr-defined]
            client.socket.transport.pause_reading()
            await asyncio.sleep(1.5)
            client.socket.transport.resume_reading()
            assert (await client.closed())[0] == 3012

    with gateway_in(tmp_path, platform, GATEWAY_HEARTBEAT_S="0.4") as gateway:
        asyncio.run(talk(gateway))


def test_before_files_run_out_it_says_so_and_lets_nobody_more_in(tmp_path: Path, platform: Platform) -> None:
    """64 of 104 are kept for itself, so 40 sockets have room."""

    async def talk(gateway: Gateway) -> None:
        async with contextlib.AsyncExitStack() as stack:
            inside = [await stack.enter_async_context(Client(gateway.url).signed_in()) for _ in range(40)]
            async with Client(gateway.url).open() as late:
                assert await late.closed() == (3013, "no room here")
            metrics = await asyncio.to_thread(httpx.get, f"http://127.0.0.1:{gateway.port}/metrics")
            assert "stoa_gateway_sockets_left 0" in metrics.text
            gateway.publish(inside[-1].own, 1)
            assert await inside[-1].numbers(1) == [1]
        async with Client(gateway.url).signed_in():
            assert gateway.output().count("open files run out") == 1

    gateway = Gateway(tmp_path, platform, ENABLE_METRICS="true", METRICS_DIR=str(tmp_path / "metrics"))
    gateway.open_files = 104
    try:
        gateway.start()
        asyncio.run(talk(gateway))
    finally:
        gateway.end()


def test_state_loaded_after_the_position_and_events_are_the_state_fetched_anew(gateway: Gateway) -> None:
    """Subscribe, take the position, load, apply: while facts go on being written and told."""

    async def talk() -> None:
        facts: list[int] = []
        async with Client(gateway.url).signed_in() as client:

            async def write() -> None:
                for number in range(120):
                    facts.append(number)  # committed, then told
                    await in_thread(gateway.publish, client.own, number)
                    if number == 30:
                        midway.set()

            midway = asyncio.Event()
            writing = asyncio.create_task(write())
            await midway.wait()
            await client.say(op="subscribe", channel=client.own)
            await client.until("subscribed")
            state = list(facts)
            while len(state) < 120:
                number = int((await client.until("event"))["data"]["number"])
                if number not in state:
                    state.append(number)
            await writing
            assert state == facts == list(range(120))

    asyncio.run(talk())


def test_state_loaded_before_the_position_misses_what_happened_between(gateway: Gateway) -> None:
    """The twin: the wrong order, with a fact told in the gap."""

    async def talk() -> None:
        person = Client(gateway.url)
        facts = [0]
        state = list(facts)
        facts.append(1)
        await in_thread(gateway.publish, person.own, 1)
        async with person.signed_in() as client:
            await client.silent()
        assert state != facts

    asyncio.run(talk())
