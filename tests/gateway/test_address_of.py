"""Whose sockets are counted: X-Forwarded-For is believed for the trusted hops alone, also from this machine."""

import pytest
from starlette.types import Message
from starlette.websockets import WebSocket

from stoa.gateway.sockets import address_of


async def _nothing() -> Message:
    return {"type": "websocket.disconnect"}


async def _nowhere(_: Message) -> None:
    return None


def socket_from(peer: str, *forwarded: str) -> WebSocket:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return WebSocket({"type": "websocket", "client": (peer, 4711), "headers": headers}, _nothing, _nowhere)


@pytest.mark.parametrize(
    ("forwarded", "trusted", "believed"),
    [
        ((), 0, "127.0.0.1"),
        (("203.0.113.9",), 0, "127.0.0.1"),
        (("203.0.113.9",), 1, "203.0.113.9"),
        (("198.51.100.1, 203.0.113.9",), 1, "203.0.113.9"),
        (("198.51.100.1", "203.0.113.9"), 1, "203.0.113.9"),
        (("198.51.100.1, 203.0.113.9",), 2, "198.51.100.1"),
        (("not an address",), 1, "127.0.0.1"),
    ],
)
def test_a_forwarded_address_is_believed_for_the_trusted_hops(
    forwarded: tuple[str, ...], trusted: int, believed: str
) -> None:
    assert address_of(socket_from("127.0.0.1", *forwarded), trusted) == believed
