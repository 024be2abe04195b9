"""uvicorn's WebSocket protocol with what a gateway must see and do below ASGI.

ASGI hides three things: whether a write would only be buffered, when a slow peer reads again, and the missing pong
(uvicorn closes with 1011). And its `send` costs a task switch and an encoding a delivery; here the bytes of a frame
are made once and written to every socket."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode

from stoa.wire.close_codes import Close

CLOSE_GRACE_S = 2.0
"""For a peer to answer a close frame; one that reads nothing is cut off after it."""


KERNEL_BUFFER = 65_536
"""Left alone, Linux buffers up to 4 MB for a peer that reads nothing: memory that no outbox bounds, and a reader who is
found to be slow megabytes too late."""


class GatewayProtocol(WebSocketsSansIOProtocol):
    """Reached from the application as `websocket.scope["state"]["protocol"]`."""

    on_writable: Callable[[], None] | None = None
    _abort: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        kept: socket.socket | None = transport.get_extra_info("socket")
        if kept is not None and kept.family != socket.AF_UNIX:
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER)

    async def run_asgi(self) -> None:
        self.scope["state"]["protocol"] = self
        await super().run_asgi()

    @property
    def can_write(self) -> bool:
        return self.writable.is_set() and self.is_open

    @property
    def is_open(self) -> bool:
        return self.handshake_complete and not (self.close_sent or self.disconnected or self.transport.is_closing())

    def write_frame(self, framed: bytes) -> None:
        """Bytes of `frame_of`. Only while `can_write`."""
        self.transport.write(framed)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.on_writable is not None:
            self.on_writable()

    def end(self, code: int, reason: str = "") -> None:
        """Say why and close; cut off after CLOSE_GRACE_S. A repeated call and one on a closed socket do nothing."""
        if not self.is_open:
            return
        self.stop_keepalive()
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        # `close` waits until what is buffered is written, which for a peer that reads nothing is never.
        self._abort = self.loop.call_later(CLOSE_GRACE_S, self.transport.abort)
        # Its presence keeps the transport open for the peer's answer after the application has returned.
        self.close_timer = self.loop.call_later(CLOSE_GRACE_S / 2, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._abort is not None:
            self._abort.cancel()
        self.on_writable = None
        super().connection_lost(exc)

    def keepalive_timeout(self) -> None:
        self.pong_timer = None
        self.pending_ping_payload = None
        self.end(Close.NO_PONG, "no pong")


def frame_of(payload: bytes) -> bytes:
    """One text message as a server sends it."""
    return Frame(Opcode.TEXT, payload).serialize(mask=False)


def protocol_of(scope_state: Any) -> GatewayProtocol:
    protocol = scope_state["protocol"]
    if not isinstance(protocol, GatewayProtocol):
        raise TypeError("the gateway runs on its own protocol: see stoa.gateway.serving")
    return protocol
