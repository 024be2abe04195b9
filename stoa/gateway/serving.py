"""uvicorn around the application: our protocol, our drain, nobody's access log."""

import logging
import resource
import socket

import uvicorn

from stoa.gateway.application import Gateway
from stoa.gateway.protocol import GatewayProtocol
from stoa.runtime.config.current import settings
from stoa.runtime.logs import configure_logging
from stoa.wire.client_frames import LARGEST_FRAME

GRACE_S = 3
"""After the drain, for what does not answer a close frame."""
BACKLOG = 4096


class GatewayServer(uvicorn.Server):
    """On SIGTERM: no new connections, every socket told 3001, then uvicorn's own end."""

    def __init__(self, gateway: Gateway, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.gateway = gateway

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listening in self.servers:
            listening.close()
        await self.gateway.house.drain()
        await super().shutdown(sockets)
        self._captured_signals.clear()  # it would raise them again, and a stop asked for would look like a death


def serve(*, host: str, port: int) -> int:
    """Until SIGINT or SIGTERM; then 0."""
    current = settings()
    configure_logging(current)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    _raise_open_files_limit()
    gateway = Gateway()
    config = uvicorn.Config(
        gateway,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws=GatewayProtocol,
        ws_max_size=LARGEST_FRAME,
        ws_per_message_deflate=False,
        ws_ping_interval=current.gateway_heartbeat_s,
        ws_ping_timeout=current.gateway_heartbeat_s,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # uvicorn would believe any neighbour on this machine; sockets.py counts the hops
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE_S,
    )
    GatewayServer(gateway, config).run()
    return 0


def _raise_open_files_limit() -> None:
    """A socket is a file; the soft limit is often 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
