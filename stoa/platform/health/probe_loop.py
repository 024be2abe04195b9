"""The event loop that the checks run in: nothing it starts can outlive or delay it."""

import asyncio
import socket
from functools import partial
from typing import Any

from stoa.platform.health.daemon_calls import offload


class ProbeLoop(asyncio.SelectorEventLoop):
    """Names are resolved in daemon threads, and what a check opened can be dropped at once."""

    def __init__(self) -> None:
        super().__init__()
        self._opened: dict[asyncio.Task[Any] | None, list[asyncio.BaseTransport]] = {}

    async def getaddrinfo(self, host: Any, port: Any, **hints: Any) -> list[Any]:
        """Used by psycopg and by asyncio's own connections alike. `hints`: family, type, proto, flags."""
        key = (host, port, *sorted(hints.items()))
        return await offload(key, partial(socket.getaddrinfo, host, port, **hints))

    async def create_connection(self, *args: Any, **options: Any) -> Any:
        transport, protocol = await super().create_connection(*args, **options)
        self._opened.setdefault(asyncio.current_task(), []).append(transport)
        return transport, protocol

    def drop_connections(self) -> None:
        """Close what the calling check opened, and not its neighbours', without the farewell of TLS, which a peer that
        hangs would draw out to 30 s."""
        for transport in self._opened.pop(asyncio.current_task(), []):
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()
