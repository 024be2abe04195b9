"""An admin invites; the mail leaves; the invitee registers and accepts; the admin's open socket hears of it. Web, worker
and gateway are each killed and started again on the way, and nothing is lost or doubled."""

import asyncio
import re
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest
from stoa_realtime import Event, Load, RealtimeClient

from tests.stories.house import House, call, token_in, whole_house

pytestmark = pytest.mark.slow

ADMIN = {"email": "admin@demo.stoa.test", "password": "stoa-demo-admin"}
GUEST, PASSWORD = "guest@example.org", "a-long-enough-passphrase"


def client_of(house: House, access: str) -> RealtimeClient:
    async def ticket() -> str:
        async with httpx.AsyncClient(timeout=5) as web:
            answer = await web.post(f"{house.api}/realtime/ticket", headers={"Authorization": f"Bearer {access}"})
        if not answer.is_success:
            raise OSError(answer.status_code)
        return str(answer.json()["data"]["ticket"])

    return RealtimeClient(house.socket, ticket)


class Listener:
    """What one person's client heard, and what it was told to load anew."""

    def __init__(self, client: RealtimeClient) -> None:
        self.client = client
        self.events: list[dict[str, Any]] = []
        self.loads: list[str] = []

    async def listen(self) -> None:
        async for said in self.client:
            if isinstance(said, Event):
                self.events.append(dict(said.frame))
            elif isinstance(said, Load):
                self.loads.append(said.channel)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    async def until(self, condition: Any, within_s: float = 30) -> None:
        until = asyncio.get_running_loop().time() + within_s
        while not condition():
            assert asyncio.get_running_loop().time() < until, f"not in time; heard {self.events} and {self.loads}"
            await asyncio.sleep(0.02)


async def in_thread(act: Any, *arguments: Any) -> Any:
    return await asyncio.to_thread(act, *arguments)


async def story(house: House) -> str:
    """Returns the id of the request that accepted."""
    admin, _ = call(house, "POST", "/auth/login", **ADMIN)
    organization = call(house, "GET", "/organizations", admin["access"])[0][0]["id"]
    roles = call(house, "GET", f"/organizations/{organization}/roles", admin["access"])[0]
    viewer = next(role["id"] for role in roles if role["name"] == "VIEWER")
    async with client_of(house, admin["access"]) as client:
        heard = Listener(client)
        listening = asyncio.create_task(heard.listen())
        await client.subscribe(f"org:{organization}")
        await heard.until(lambda: len(heard.loads) == 2)

        # The gateway dies before anything happens, and comes back.
        await in_thread(house.gateway.kill)
        invited, _ = await in_thread(
            lambda: call(
                house,
                "POST",
                f"/organizations/{organization}/invites",
                admin["access"],
                email=GUEST,
                role_id=viewer,
            )
        )
        # The worker dies with the mail and the frame still to send, or in the middle of them.
        await in_thread(house.worker.kill_and_start)
        await in_thread(house.gateway.start)
        await heard.until(lambda: heard.of("org.invite"))
        await heard.until(lambda: house.mails_to(GUEST))

        # The web process dies after the guest has registered.
        guest, _ = await in_thread(
            lambda: call(house, "POST", "/auth/register", email=GUEST, password=PASSWORD, name="Guest")
        )
        await in_thread(house.web.kill_and_start)
        [mail] = house.invites_to(GUEST)
        await in_thread(house.gateway.kill)
        _, request_id = await in_thread(
            lambda: call(house, "POST", "/organizations/invites/accept", guest["access"], token=token_in(mail))
        )
        await in_thread(house.gateway.start)
        await heard.until(lambda: len(heard.of("org.invite")) == 2 and heard.of("notification"))
        await asyncio.sleep(1.5)  # whatever would come twice has come by now
        listening.cancel()

        assert heard.loads == [f"user:{admin['user']['id']}", f"org:{organization}"]
        assert client.connections == 3
    states = [(event["data"]["invite_id"], event["data"]["state"], event["offset"]) for event in heard.of("org.invite")]
    assert states == [(invited["id"], "open", 1), (invited["id"], "accepted", 2)]
    [told] = heard.of("notification")
    assert (told["data"]["type"], told["request_id"]) == ("invite_accepted", request_id)
    rows = call(house, "GET", "/notifications", admin["access"])[0]
    assert [row for row in rows if row["type"] == "invite_accepted"] == [told["data"]]
    members = call(house, "GET", f"/organizations/{organization}/members", admin["access"])[0]
    assert [member["role"] for member in members if member["user_id"] == guest["user"]["id"]] == ["VIEWER"]
    invites = call(house, "GET", f"/organizations/{organization}/invites", admin["access"])[0]
    assert [row["state"] for row in invites if row["id"] == invited["id"]] == ["accepted"]
    assert len(house.invites_to(GUEST)) == 1
    return request_id


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="needs redis-server")
def test_from_an_invite_to_an_open_socket_through_three_kills(tmp_path: Path) -> None:
    with whole_house(tmp_path) as house:
        request_id = asyncio.run(story(house))
        page = house.manage("trace", request_id)
    for step in (
        r"path=/api/v1/organizations/invites/accept",
        r"event +organizations\.member_joined",
        r"delivery +organizations\.member_joined to organizations\.show_accepted: done",
        r"delivery +notifications\.created to notifications\.show_notification: done",
        r"event told",
    ):
        assert re.search(step, page), f"{step} is not in\n{page}"
    assert len(page.splitlines()) < 60, page
    assert page.count("event told") == 2, page
