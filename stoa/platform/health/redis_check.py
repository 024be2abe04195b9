"""One PING over a connection of its own."""

import asyncio

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from stoa.platform.health.checks import Passed
from stoa.platform.health.probe_loop import ProbeLoop


class RedisCheck:
    """`address` is a redis:// or rediss:// URL, its password and options included."""

    names = ("redis",)

    def __init__(self, address: str) -> None:
        self._address = address

    async def run(self, passed: Passed, *, budget_s: float) -> None:
        loop = asyncio.get_running_loop()
        client = Redis.from_url(self._address, retry=Retry(NoBackoff(), 0))
        try:
            async with asyncio.timeout(budget_s):
                await client.ping()
            passed("redis")
        finally:
            if isinstance(loop, ProbeLoop):
                loop.drop_connections()
            await client.aclose()
