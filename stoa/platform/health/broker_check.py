"""Does the task broker answer? A PING to Redis, or the first exchange of AMQP's handshake."""

import asyncio
from urllib.parse import urlsplit

from stoa.platform.health.checks import Passed
from stoa.platform.health.redis_check import RedisCheck

_AMQP_PORT = 5672
_AMQP_HEADER = b"AMQP\x00\x00\x09\x01"
_METHOD_FRAME = b"\x01"


class BrokerCheck:
    """`address` is CELERY_BROKER_URL. A broker that only accepts and never speaks is not up."""

    names = ("broker",)

    def __init__(self, address: str) -> None:
        self._address = address

    async def run(self, passed: Passed, *, budget_s: float) -> None:
        if self._address.startswith(("redis://", "rediss://")):
            await RedisCheck(self._address).run(lambda _: passed("broker"), budget_s=budget_s)
            return
        parts = urlsplit(self._address)
        async with asyncio.timeout(budget_s):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port or _AMQP_PORT)
            try:
                writer.write(_AMQP_HEADER)
                # Connection.Start comes as a method frame; a server of another version sends its header and hangs up.
                if await reader.readexactly(1) != _METHOD_FRAME:
                    raise ConnectionError("not an AMQP 0-9-1 server")
                passed("broker")
            finally:
                writer.transport.abort()
