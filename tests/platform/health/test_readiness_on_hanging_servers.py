"""Servers that accept and never answer: the answer is in time, and nothing of the attempts stays behind."""

import gc
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from stoa.platform.health.checks import Check
from stoa.platform.health.postgres_check import PostgresCheck, connection_words
from stoa.platform.health.readiness import Readiness
from stoa.platform.health.redis_check import RedisCheck
from stoa.platform.health.verdict import Verdict
from tests.platform.health.conftest import Database
from tests.platform.health.lines import SwitchableProxy, eventually, own_sockets, self_signed, silent_server


@pytest.fixture
def silent() -> Iterator[int]:
    with silent_server() as port:
        yield port


def postgres(database: Database) -> PostgresCheck:
    return PostgresCheck(lambda: database, on_disk=dict)


def readiness(*checks: Check, cache_s: float = 0.0) -> Readiness:
    return Readiness(checks, cache_s=cache_s, draining=lambda: False)


def errors(verdict: Verdict) -> dict[str, str | None]:
    return {outcome.name: outcome.error for outcome in verdict.checks}


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "probes"), [("redis", 20), ("rediss", 4)])
def test_probes_are_answered_in_time_and_leave_nothing_behind(
    silent: int, scheme: str, probes: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """None from the cache; database and Redis hang side by side; over TLS the handshake hangs."""
    database = {"NAME": "test_stoa_x", "USER": "x", "HOST": "127.0.0.1", "PORT": str(silent)}
    asked = readiness(postgres(database), RedisCheck(f"{scheme}://127.0.0.1:{silent}/0"))
    asked.verdict()
    time.sleep(0.2)
    gc.collect()
    threads_before, sockets_before = set(threading.enumerate()), own_sockets()
    took: list[float] = []
    for _ in range(probes):
        started = time.monotonic()
        verdict = asked.verdict()
        took.append(time.monotonic() - started)
        assert errors(verdict) == dict.fromkeys(("database", "migrations", "redis"), "TimeoutError")
    with capsys.disabled():
        print(f"\n  {probes} probes of a hanging database and {scheme}: slowest {max(took):.3f} s")
    assert max(took) <= 0.9
    assert min(took) > 0.5, "the server answered or refused: nothing hung"
    assert eventually(lambda: own_sockets() == sockets_before, within_s=2)
    # The verdict is there before its thread is gone: nobody waits for the closing of a loop.
    assert eventually(lambda: set(threading.enumerate()) <= threads_before, within_s=2)


def test_a_redis_that_falls_silent_after_the_tls_handshake_is_dropped_without_farewell(tmp_path: Path) -> None:
    with silent_server(self_signed(tmp_path)) as port:
        asked = readiness(RedisCheck(f"rediss://127.0.0.1:{port}/0?ssl_cert_reqs=none&ssl_check_hostname=false"))
        gc.collect()
        gc.disable()  # a socket that only the collector closes is a socket left behind
        try:
            asked.verdict()
            time.sleep(0.2)
            sockets_before = own_sockets()
            for _ in range(3):
                started = time.monotonic()
                assert errors(asked.verdict()) == {"redis": "TimeoutError"}
                assert 0.5 < time.monotonic() - started <= 0.9
            assert eventually(lambda: own_sockets() == sockets_before, within_s=2)
        finally:
            gc.enable()


@pytest.mark.postgres
def test_a_database_that_recovers_is_green_within_two_seconds(scratch_database: Database) -> None:
    proxy = SwitchableProxy(str(scratch_database["HOST"]), int(scratch_database["PORT"]))
    try:
        database = {**scratch_database, "HOST": "127.0.0.1", "PORT": str(proxy.port)}
        assert_recovers(proxy, postgres(database), ("database", "migrations"))
    finally:
        proxy.close()


@pytest.mark.redis
def test_a_redis_that_recovers_is_green_within_two_seconds(redis_line: tuple[str, int]) -> None:
    proxy = SwitchableProxy(*redis_line)
    try:
        assert_recovers(proxy, RedisCheck(f"redis://127.0.0.1:{proxy.port}/0"), ("redis",))
    finally:
        proxy.close()


def assert_recovers(proxy: SwitchableProxy, check: Check, names: tuple[str, ...]) -> None:
    """Asked ten times a second with the cache of production, and healed while a look is stuck in it."""
    asked = readiness(check, cache_s=1.0)
    assert asked.verdict().ready
    proxy.hanging = True
    assert eventually(lambda: not asked.verdict().ready, within_s=3)
    assert errors(asked.verdict()) == dict.fromkeys(names, "TimeoutError")
    time.sleep(1.1)
    stuck = threading.Thread(target=asked.verdict)
    stuck.start()
    time.sleep(0.1)
    proxy.hanging = False
    healed_at = time.monotonic()
    while not asked.verdict().ready:
        assert time.monotonic() - healed_at <= 2.0
        time.sleep(0.1)
    assert time.monotonic() - healed_at <= 2.0
    stuck.join(2)


@pytest.mark.postgres
def test_a_table_locked_by_a_migration_is_red_in_time_and_leaves_no_backend_waiting(
    scratch_database: Database,
) -> None:
    asked = readiness(postgres(scratch_database))
    with psycopg.connect(**connection_words(scratch_database)) as migrating:
        migrating.execute("LOCK TABLE django_migrations IN ACCESS EXCLUSIVE MODE")
        for _ in range(3):
            started = time.monotonic()
            verdict = asked.verdict()
            assert time.monotonic() - started <= 0.9
            assert errors(verdict) == {"database": None, "migrations": "TimeoutError"}
        with psycopg.connect(**connection_words(scratch_database), autocommit=True) as watching:

            def waiting() -> bool:
                found = watching.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                ).fetchone()
                return found is not None and found[0] > 0

            assert eventually(lambda: not waiting(), within_s=2)
    assert asked.verdict().ready


@pytest.mark.postgres
@pytest.mark.redis
def test_healthy_servers_are_green_and_keep_no_connection(
    scratch_database: Database, redis_line: tuple[str, int]
) -> None:
    asked = readiness(postgres(scratch_database), RedisCheck("redis://{}:{}/0".format(*redis_line)))
    asked.verdict()
    time.sleep(0.2)
    sockets_before = own_sockets()
    for _ in range(20):
        assert errors(asked.verdict()) == {"database": None, "migrations": None, "redis": None}
    assert eventually(lambda: own_sockets() == sockets_before, within_s=2)
