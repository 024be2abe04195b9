"""One socket and what it may do: signing in, frames, channels, the end of a token, revocation."""

import asyncio
import time

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from stoa.kit.ids import new_id
from tests.gateway.harness import Client, Gateway, Platform, ticket, token


def test_first_frame_signs_in_and_own_channel_is_heard(gateway: Gateway) -> None:
    async def talk() -> None:
        async with Client(gateway.url).open() as client:
            await client.say(op="auth", token=token(client.user, client.session))
            ready = await client.next()
            assert {name: ready[name] for name in ("op", "user_id", "session_id")} == {
                "op": "ready",
                "user_id": client.user,
                "session_id": client.session,
            }
            subscribed = await client.next()
            assert subscribed["channel"] == client.own
            assert (subscribed["offset"], subscribed["recovered"]) == (0, False)
            gateway.publish(client.own, 1)
            event = await client.next()
            assert (event["op"], event["channel"], event["epoch"], event["offset"], event["type"]) == (
                "event",
                client.own,
                subscribed["epoch"],
                1,
                "notification",
            )
            assert event["request_id"] == "request-1"

    asyncio.run(talk())


def test_header_and_subprotocol_sign_in_and_the_token_is_never_echoed(gateway: Gateway) -> None:
    async def talk() -> None:
        client = Client(gateway.url)
        secret = token(client.user, client.session)
        async with client.open(additional_headers={"Authorization": f"Bearer {secret}"}):
            await client.until("ready")
        async with client.open(subprotocols=["stoa.v1", f"stoa.token.{secret}"]):
            assert client.socket is not None
            assert client.socket.subprotocol == "stoa.v1"
            assert secret not in str(client.socket.response.headers if client.socket.response else "")
            await client.until("ready")

    asyncio.run(talk())


def test_token_in_the_url_is_not_read_nor_logged(gateway: Gateway) -> None:
    async def talk() -> None:
        client = Client(gateway.url)
        secret = token(client.user, client.session)
        client.url += f"?token={secret}"
        async with client.open():
            await client.say(op="ping")
            assert (await client.next())["code"] == "NOT_SIGNED_IN"
        assert secret[-20:] not in gateway.output()

    asyncio.run(talk())


def test_ticket_signs_in_once(gateway: Gateway) -> None:
    async def talk() -> None:
        client = Client(gateway.url)
        once = ticket(client.user, client.session)
        async with client.open(subprotocols=["stoa.v1", f"stoa.ticket.{once}"]):
            await client.until("ready", session_id=client.session)
        async with client.open():
            await client.say(op="auth", ticket=once)
            assert (await client.closed())[0] == 3500

    asyncio.run(talk())


def bad_credentials(user: str, session: str) -> dict[str, tuple[dict[str, str], int]]:
    return {
        "garbage": ({"token": "x.y.z"}, 3500),
        "another key": ({"token": token(user, session, secret="another-secret-" * 3)}, 3500),
        "refresh token": ({"token": token(user, session, typ="refresh")}, 3500),
        "wrong audience": ({"token": token(user, session, aud="another")}, 3500),
        "ticket as token": ({"token": ticket(user, session)}, 3500),
        "token as ticket": ({"ticket": token(user, session)}, 3500),
        "old ticket": ({"ticket": ticket(user, session, life_s=-1)}, 3500),
        "expired": ({"token": token(user, session, life_s=-1)}, 3005),
        "opaque refresh": ({"token": "stoa_rt_" + "a" * 43}, 3500),
    }


@pytest.mark.parametrize("case", bad_credentials("u", "s"))
def test_refused_credentials_close_with_their_code(gateway: Gateway, case: str) -> None:
    async def talk() -> None:
        client = Client(gateway.url)
        credential, code = bad_credentials(client.user, client.session)[case]
        async with client.open():
            await client.say(op="auth", **credential)
            assert (await client.closed())[0] == code

    asyncio.run(talk())


def test_revoked_session_does_not_connect(gateway: Gateway, platform: Platform) -> None:
    async def talk() -> None:
        client = Client(gateway.url)
        platform.revoked.add(client.session)
        async with client.open():
            await client.say(op="auth", token=token(client.user, client.session))
            assert (await client.closed())[0] == 3503

    asyncio.run(talk())


def test_platform_away_is_a_reason_to_come_back(gateway: Gateway, platform: Platform) -> None:
    async def talk() -> None:
        async with Client(gateway.url).open() as client:
            await client.say(op="auth", token=token(client.user, client.session))
            assert (await client.closed())[0] == 3010

    platform.is_broken = True
    try:
        asyncio.run(talk())
    finally:
        platform.is_broken = False


def test_page_of_another_origin_gets_no_socket(gateway: Gateway) -> None:
    async def talk() -> None:
        client = Client(gateway.url)
        with pytest.raises(InvalidStatus) as refused:
            async with client.open(origin="https://evil.example"):
                pass
        assert refused.value.response.status_code == 403
        async with client.open(origin="http://127.0.0.1:8000"):
            pass

    asyncio.run(talk())


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("", "BAD_FRAME"),
        ("{", "BAD_FRAME"),
        ("[1]", "BAD_FRAME"),
        (b"\xff\x00", "BAD_FRAME"),
        ('{"op":"publish","channel":"x"}', "UNKNOWN_OP"),
        ('{"op":"typing","thread_id":"0197c0de-0000-7000-8000-000000000001","is_typing":true}', "NOT_SUPPORTED"),
        ('{"op":"presence","status":"online"}', "NOT_SUPPORTED"),
        ('{"op":"subscribe","channel":"thread:0197c0de-0000-7000-8000-000000000001"}', "NOT_SUPPORTED"),
        ('{"op":"subscribe","channel":"user:0197c0de-0000-7000-8000-000000000001"}', "FORBIDDEN"),
        ('{"op":"subscribe","channel":"org:0197c0de-0000-7000-8000-000000000001"}', "FORBIDDEN"),
        ('{"op":"unsubscribe","channel":"org:0197c0de-0000-7000-8000-000000000001"}', "NOT_SUBSCRIBED"),
    ],
)
def test_refused_frame_is_an_error_and_the_socket_stays(gateway: Gateway, sent: str | bytes, code: str) -> None:
    async def talk() -> None:
        async with Client(gateway.url).signed_in() as client:
            await client.say_text(sent)
            assert (await client.next())["code"] == code
            await client.say(op="ping")
            assert (await client.next())["op"] == "pong"

    asyncio.run(talk())


def test_oversized_frame_closes_that_socket_only(gateway: Gateway) -> None:
    async def talk() -> None:
        async with Client(gateway.url).signed_in() as other, Client(gateway.url).signed_in() as client:
            await client.say(op="ping", padding="x" * 70_000)
            assert (await client.closed())[0] in {1009, 1006}
            await other.say(op="ping")
            assert (await other.next())["op"] == "pong"

    asyncio.run(talk())


def test_too_many_frames_are_refused_and_then_closed(gateway: Gateway) -> None:
    async def talk() -> None:
        async with Client(gateway.url).signed_in() as client:
            for _ in range(400):
                await client.say(op="ping")
            assert (await client.closed())[0] == 3013

    asyncio.run(talk())


def test_one_clients_frame_reaches_nobody_else(gateway: Gateway) -> None:
    async def talk() -> None:
        async with Client(gateway.url).signed_in() as one, Client(gateway.url).signed_in() as other:
            await one.say(op="event", channel=other.own, data={})
            await other.silent()

    asyncio.run(talk())


def test_organization_is_asked_about_once_and_its_end_is_heard_within_a_second(
    gateway: Gateway, platform: Platform
) -> None:
    async def talk() -> None:
        org = f"org:{new_id()}"
        async with Client(gateway.url).signed_in() as client:
            platform.allowed.add((client.user, org))
            await client.say(op="subscribe", channel=org)
            await client.until("subscribed", channel=org)
            await client.say(op="subscribe", channel=org)
            await client.until("subscribed", channel=org)
            assert platform.asked_for(org) == 1
            gateway.publish(org, 1)
            assert await client.numbers(1) == [1]
            began = time.monotonic()
            ended = {"command": "end_subscription", "user_id": client.user, "channel": org}
            assert gateway.post("/internal/control", ended).status_code == 204
            assert (await client.until("unsubscribed"))["reason"] == "permission"
            assert time.monotonic() - began < 1
            gateway.publish(org, 2)
            await client.silent()

    asyncio.run(talk())


def test_revocation_closes_within_a_second_and_only_that_session(gateway: Gateway) -> None:
    async def talk() -> None:
        one = Client(gateway.url)
        two = Client(gateway.url, user=one.user)
        async with one.signed_in(), two.signed_in():
            began = time.monotonic()
            body = {"command": "revoke", "user_id": one.user, "session_id": one.session}
            assert gateway.post("/internal/control", body).status_code == 204
            assert (await one.closed())[0] == 3503
            assert time.monotonic() - began < 1
            await two.say(op="ping")
            assert (await two.next())["op"] == "pong"
            gateway.post("/internal/control", {"command": "revoke", "user_id": one.user, "session_id": None})
            assert (await two.closed())[0] == 3503

    asyncio.run(talk())


def test_token_is_renewed_in_place_and_ends_without(gateway: Gateway) -> None:
    async def talk() -> None:
        client = Client(gateway.url)
        async with client.open():
            await client.say(op="auth", token=token(client.user, client.session, life_s=2))
            first = await client.until("ready")
            await client.until("refresh", expires_at=first["expires_at"])
            await client.say(op="auth", token=token(client.user, client.session, life_s=62))
            renewed = await client.until("ready")
            assert renewed["expires_at"] > first["expires_at"]
            await client.until("refresh", expires_at=renewed["expires_at"])
            await client.say(op="auth", token=token(client.user, client.session, life_s=1))
            assert (await client.closed(within_s=8))[0] == 3005

    asyncio.run(talk())


def test_a_token_that_ends_no_later_is_not_asked_for_in_a_circle(gateway: Gateway) -> None:
    async def talk() -> None:
        client = Client(gateway.url)
        async with client.open():
            last = token(client.user, client.session, life_s=8)
            for left_s in (4, 2):
                await client.say(op="auth", token=last)
                began = time.monotonic()
                await client.until("refresh", within_s=left_s + 1)
                assert time.monotonic() - began > left_s - 1

    asyncio.run(talk())


def test_another_subject_is_never_bound_to_the_socket(gateway: Gateway) -> None:
    async def talk() -> None:
        async with Client(gateway.url).signed_in() as client:
            other = new_id()
            await client.say(op="auth", token=token(other, client.session))
            assert (await client.closed())[0] == 3500
            gateway.publish(f"user:{other}", 1)

    asyncio.run(talk())


def test_renewal_asks_again_what_was_allowed(gateway: Gateway, platform: Platform) -> None:
    async def talk() -> None:
        org = f"org:{new_id()}"
        async with Client(gateway.url).signed_in() as client:
            platform.allowed.add((client.user, org))
            await client.say(op="subscribe", channel=org)
            await client.until("subscribed", channel=org)
            platform.allowed.discard((client.user, org))
            await client.say(op="auth", token=token(client.user, client.session))
            assert (await client.until("unsubscribed"))["channel"] == org

    asyncio.run(talk())


def test_one_person_has_ten_sockets(gateway: Gateway) -> None:
    async def talk() -> None:
        first = Client(gateway.url)
        sockets = [Client(gateway.url, user=first.user) for _ in range(9)]
        async with first.signed_in():
            opened = [client.signed_in() for client in sockets]
            for each in opened:
                await each.__aenter__()
            async with Client(gateway.url, user=first.user).open() as eleventh:
                await eleventh.say(op="auth", token=token(first.user, new_id()))
                assert (await eleventh.closed())[0] == 3504
            for each in opened:
                await each.__aexit__(None, None, None)
        await asyncio.sleep(0.2)
        async with Client(gateway.url, user=first.user).signed_in():
            pass

    asyncio.run(talk())


def test_local_publishing_needs_the_secret_and_a_channel(gateway: Gateway) -> None:
    assert gateway.post("/internal/publish", {"publications": []}, secret="wrong").status_code == 401
    assert gateway.post("/internal/control", {}, secret="wrong").status_code == 401
    for body in ({}, [], {"publications": [{}]}, {"publications": [{"channel": "all"}]}):
        assert gateway.post("/internal/publish", body).status_code == 422
    assert gateway.post("/internal/control", {"command": "stop"}).status_code == 422


def test_health_says_what_is_open(gateway: Gateway) -> None:
    assert httpx.get(f"http://127.0.0.1:{gateway.port}/health").json()["status"] == "ok"
    told = gateway.health()
    assert told is not None
    assert (told["status"], told["bus"]) == ("ok", "up")
