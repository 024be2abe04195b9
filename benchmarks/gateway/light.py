"""A WebSocket client that costs little: it reads frames by hand, answers pings, and hands on the text."""

import asyncio
import base64
import os
import struct
from collections.abc import Callable

OPEN, CLOSED = 1, 2
_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10


class LightSocket(asyncio.Protocol):
    """`on_text` gets each text message as bytes. `closed` ends with the code, 1006 without one."""

    def __init__(self, host: str, port: int, path: str, on_text: Callable[["LightSocket", bytes], None]) -> None:
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()
        self._on_text = on_text
        self._held = b""
        self._code = 1006
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[int] = loop.create_future()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        data = self._held + data if self._held else data
        if not self.opened.done():
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._held = head
                return
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                self.transport.abort()
                return
            self.opened.set_result(None)
        place, end = 0, len(data)
        while end - place >= 2:
            size, start = data[place + 1] & 0x7F, place + 2
            if size == 126:
                if end - place < 4:
                    break
                size, start = int.from_bytes(data[place + 2 : place + 4]), place + 4
            elif size == 127:
                if end - place < 10:
                    break
                size, start = int.from_bytes(data[place + 2 : place + 10]), place + 10
            if end < start + size:
                break
            self._frame(data[place] & 0x0F, data[start : start + size])
            place = start + size
        self._held = data[place:]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("no WebSocket"))
            self.opened.exception()  # seen
        if not self.closed.done():
            self.closed.set_result(self._code)

    def send(self, text: bytes) -> None:
        self.transport.write(_framed(_TEXT, text))

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode in {_TEXT, _BINARY}:
            self._on_text(self, payload)
        elif opcode == _PING:
            self.transport.write(_framed(_PONG, payload))
        elif opcode == _CLOSE:
            self._code = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1005
            self.transport.write(_framed(_CLOSE, payload[:2]))
            self.transport.close()


def _framed(opcode: int, payload: bytes) -> bytes:
    """Masked, as a client's must be; with a mask of zeros, which leaves the payload as it is."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, 0x80 | size)) + b"\0\0\0\0" + payload
    return bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2) + b"\0\0\0\0" + payload


async def light_socket(
    host: str, port: int, path: str, on_text: Callable[[LightSocket, bytes], None], *, within_s: float = 15
) -> LightSocket:
    """Raises OSError."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(within_s):
        _, made = await loop.create_connection(lambda: LightSocket(host, port, path, on_text), host, port)
        await made.opened
    return made
