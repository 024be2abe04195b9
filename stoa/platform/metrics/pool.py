"""How busy this process's pool of database connections is."""

import time

from django.db import connections

from stoa.runtime.metrics_series import GaugeSeries

CONNECTIONS = GaugeSeries("stoa_database_pool_connections", "Pooled connections by state.", ("state",))
WAITING = GaugeSeries("stoa_database_pool_waiting", "Requests that wait for a pooled connection.")
LOOK_EVERY_S = 1.0

_looked_at = [0.0]


def note_pool() -> None:
    """At most once a second, and nothing where there is no pool: on SQLite, in commands."""
    now = time.monotonic()
    if now - _looked_at[0] < LOOK_EVERY_S:
        return
    _looked_at[0] = now
    pool = getattr(connections["default"], "pool", None)
    if pool is None:
        return
    found = pool.get_stats()
    idle = found.get("pool_available", 0)
    CONNECTIONS.put(idle, "idle")
    CONNECTIONS.put(found.get("pool_size", 0) - idle, "in_use")
    WAITING.put(found.get("requests_waiting", 0))
