"""The process's Redis clients, one an address: made on first use, bounded, with a deadline on every socket."""

import os

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from stoa.runtime.config.current import settings
from stoa.runtime.config.errors import ConfigurationError

SOCKET_TIMEOUT_S = 0.25
"""For connecting and for each answer. Redis answers in a tenth of a millisecond; who waits longer has lost it."""
MAX_CONNECTIONS = 64

_clients: dict[tuple[int, str], redis.Redis] = {}
"""By process id and address: a forked child makes its own and leaves its parent's sockets alone. setdefault is atomic."""


def connect(address: str) -> redis.Redis:
    """A client for `address`; connects with its first command. Raises ConfigurationError for an unusable address.

    No retries inside: they would multiply the deadline and could spend a limit twice. RESP2, because under RESP3
    redis-py 8 lets a maintenance message of the server stretch the socket's deadline to 10 s."""
    try:
        return redis.Redis.from_url(
            address,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=SOCKET_TIMEOUT_S,
            socket_connect_timeout=SOCKET_TIMEOUT_S,
            socket_keepalive=True,
            health_check_interval=0,
            max_connections=MAX_CONNECTIONS,
        )
    except ValueError:
        raise ConfigurationError(["REDIS_URL: redis://, rediss:// or unix:// with host, port and database"]) from None


def redis_client() -> redis.Redis | None:
    """The shared client of `settings().redis_address`, or None when no Redis is configured."""
    address = settings().redis_address
    if address is None:
        return None
    return client_of(address)


def client_of(address: str) -> redis.Redis:
    """The shared client of one address. Raises ConfigurationError."""
    place = (os.getpid(), address)
    return _clients.get(place) or _clients.setdefault(place, connect(address))
