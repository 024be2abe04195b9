"""What `make celery` runs: a worker on CELERY_BROKER_URL, else on Redis. Says which, and what to do when none answers."""

import os
import socket
import sys
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)

from stoa.runtime.config.current import settings  # noqa: E402 - found from the root
from stoa.runtime.config.errors import ConfigurationError  # noqa: E402

DEFAULT_REDIS = "redis://localhost:6379/0"
PORTS = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671, "pyamqp": 5672}


def main() -> NoReturn:
    os.chdir(ROOT)
    try:
        current = settings()
    except ConfigurationError as error:
        sys.exit(str(error))
    if current.celery_broker_url is not None:
        broker, chosen = current.celery_broker_url.get_secret_value(), "CELERY_BROKER_URL"
    else:
        broker = current.redis_address or DEFAULT_REDIS
        chosen = f"CELERY_BROKER_URL is unset; using {'REDIS_URL' if current.redis_address else DEFAULT_REDIS}"
    print(f"stoa: {chosen}", flush=True)
    place = unanswered(broker)
    if place:
        hint = "; `make redis-up` starts a Redis" if urlsplit(broker).scheme.startswith("redis") else ""
        sys.exit(f"stoa: nothing answers at {place}{hint}")
    command = [sys.executable, "-m", "celery", "-A", "stoa", "worker", "-l", "info"]
    os.environ["CELERY_BROKER_URL"] = broker
    os.execv(sys.executable, command)  # noqa: S606 - in place of this process, so that signals reach the worker


def unanswered(broker: str) -> str:
    """host:port of the broker when nothing listens there, else empty. Never the credentials; others are not asked."""
    parts = urlsplit(broker)
    if parts.scheme not in PORTS:
        return ""
    host, port = parts.hostname or "localhost", parts.port or PORTS[parts.scheme]
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError:
        return f"{host}:{port}"
    return ""


if __name__ == "__main__":
    main()
