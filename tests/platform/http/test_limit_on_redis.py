"""Limits on a real Redis: exact across processes, and no harm when it dies, hangs, restarts or forgets.

Each test has a Redis of its own on a free port; real processes contend for it.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from stoa.platform.http.limit_store_fallback import FallbackStore
from stoa.platform.http.limit_store_memory import MemoryStore
from stoa.platform.http.limit_store_redis import RedisStore
from stoa.platform.http.limits import Limit, Limiter
from stoa.platform.redis import connect
from stoa.runtime.log_lines import FIELDS

REPOSITORY = Path(__file__).parents[3]
DAY = 86_400

type Said = Callable[[], list[tuple[str, object]]]

pytestmark = pytest.mark.slow


class RedisServer:
    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self.start()

    def start(self) -> None:
        command = [
            "redis-server",
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(self._folder),
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        with redis.Redis.from_url(self.url) as client:
            for _ in range(200):
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    time.sleep(0.02)
        raise AssertionError("redis-server did not start")

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    if shutil.which("redis-server") is None:
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail("redis-server is not installed")
        pytest.skip("redis-server is not installed")
    server = RedisServer(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Said:
    """What the switch has logged so far: level and fault of each line."""
    logger = FallbackStore.__module__
    caplog.set_level("INFO", logger=logger)
    return lambda: [
        (record.levelname, getattr(record, FIELDS).get("fault")) for record in caplog.records if record.name == logger
    ]


def impatient(server: RedisServer) -> Limiter:
    """A limiter over `server` that tries it again after 0.2 s, not 2: the tests wait for recovery."""
    return Limiter(FallbackStore(RedisStore(connect(server.url)), MemoryStore(), retry_after_s=0.2))


# Run by each contending process: 16 threads that start at the caller's word and say how many requests passed.
CONTENDER = """
import sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from stoa.platform.http.limit_store import Spending
from stoa.platform.http.limit_store_redis import RedisStore
from stoa.platform.http.limits import Limit, Limiter
from stoa.platform.redis import connect

url, store, amount, period_s, burst, takes = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])

class ReadModifyWrite:
    def __init__(self, client):
        self.client = client
    def spend(self, buckets):
        [bucket] = buckets
        now = time.time_ns() // 1000
        debt = max(int(self.client.get(bucket.key) or now) - now, 0) + bucket.interval_us
        time.sleep(0.001)  # PAUSE between reading and writing
        if debt > bucket.tolerance_us:
            return Spending(False, [debt - bucket.interval_us])
        self.client.set(bucket.key, now + debt)
        return Spending(True, [debt])

client = connect(url)
limiter = Limiter({"script": RedisStore, "read_modify_write": ReadModifyWrite}[store](client))
limit = Limit("contended", amount, period_s, burst)
start = threading.Barrier(16)

def contend(_):
    client.ping()
    start.wait()
    return sum(limiter.take([limit], subject="everyone").allowed for _ in range(takes))

client.ping()
print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(16) as pool:
    print(sum(pool.map(contend, range(16))), flush=True)
"""


def contend(server: RedisServer, store: str, limit: Limit, takes: int) -> int:
    """How many of 2 processes x 16 threads x `takes` requests passed."""
    figures = [str(figure) for figure in (limit.amount, limit.period_s, limit.burst, takes)]
    command = [sys.executable, "-c", CONTENDER, server.url, store, *figures]
    contenders = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
        for _ in range(2)
    ]
    try:
        for contender in contenders:
            assert contender.stdout is not None
            assert contender.stdout.readline() == "ready\n"
        for contender in contenders:
            assert contender.stdin is not None
            contender.stdin.write("go\n")
            contender.stdin.flush()
        return sum(int(contender.communicate(timeout=60)[0]) for contender in contenders)
    finally:
        for contender in contenders:
            contender.kill()


@pytest.mark.parametrize(
    "limit",
    [
        pytest.param(Limit("contended", 100, DAY), id="100 a day, none of them back while the test runs"),
        pytest.param(Limit("contended", 1_000, DAY, 37), id="a burst of 37"),
    ],
)
def test_sixteen_threads_in_two_processes_pass_exactly_the_limit(server: RedisServer, limit: Limit) -> None:
    assert contend(server, "script", limit, takes=20) == limit.burst


def test_the_twin_that_reads_and_then_writes_lets_more_through(server: RedisServer) -> None:
    assert contend(server, "read_modify_write", Limit("contended", 100, DAY), takes=20) > 100


def test_redis_and_memory_agree_on_a_script_of_requests(server: RedisServer) -> None:
    """Periods so long that the microseconds between the two calls cannot show."""
    shared, local = Limiter(RedisStore(connect(server.url))), Limiter(MemoryStore())
    a, b, c = Limit("a", 5, DAY), Limit("b", 3, DAY, 2), Limit("c", 7, 30 * DAY, 9)
    script = [([a], "x"), ([a, b], "x"), ([a, b, c], "x"), ([a, b], "x"), ([c], "x"), ([a], "y"), ([b, c], "y")] * 4
    passed = []
    for limits, subject in script:
        mine, theirs = local.take(limits, subject=subject), shared.take(limits, subject=subject)
        assert (mine.allowed, mine.limit, mine.remaining) == (theirs.allowed, theirs.limit, theirs.remaining)
        assert abs(mine.reset_s - theirs.reset_s) <= 1
        assert abs(mine.retry_after_s - theirs.retry_after_s) <= 1
        passed.append(theirs.allowed)
    assert passed.count(True) == 15


def test_keys_expire_hide_the_subject_and_share_a_cluster_slot(server: RedisServer) -> None:
    client = connect(server.url)
    limits = [Limit("a", 10, 60), Limit("b", 1, 3_600)]
    Limiter(RedisStore(client)).take(limits, subject="address:192.0.2.9")
    keys = sorted(key.decode() for key in client.scan_iter())
    assert [key.partition("{")[0] for key in keys] == ["stoa:limit:a:10/60/10:", "stoa:limit:b:1/3600/1:"]
    assert len({key.partition("{")[2] for key in keys}) == 1
    assert not any("192.0.2.9" in key for key in keys)
    assert [-(-client.pttl(key) // 1_000) for key in keys] == [6, 3_600]


def test_one_round_trip_a_request(server: RedisServer) -> None:
    client = connect(server.url)
    limiter, limits = Limiter(RedisStore(client)), [Limit(scope, 100, 60) for scope in "abc"]
    limiter.take(limits, subject="u")
    client.config_resetstat()
    for _ in range(10):
        limiter.take(limits, subject="u")
    commands = client.info("commandstats")
    sent = {name: figures["calls"] for name, figures in commands.items() if name.startswith("cmdstat_eval")}
    assert sent == {"cmdstat_evalsha": 10}


def test_a_clock_set_back_costs_no_more_than_one_bucket(server: RedisServer) -> None:
    client = connect(server.url)
    limiter, limit = Limiter(RedisStore(client)), Limit("s", 10, 60)
    limiter.take([limit], subject="u")
    [key] = client.scan_iter()
    client.set(key, time.time_ns() // 1_000 + 3_600 * 1_000_000)
    verdict = limiter.take([limit], subject="u")
    assert (verdict.allowed, verdict.remaining, verdict.reset_s, verdict.retry_after_s) == (False, 0, 60, 6)


def test_a_forgotten_script_is_sent_again(server: RedisServer, said: Said) -> None:
    client = connect(server.url)
    limiter, limit = impatient(server), Limit("s", 3, DAY)
    for remaining in (2, 1, 0):
        client.script_flush()
        assert limiter.take([limit], subject="u").remaining == remaining
    client.script_flush()
    assert not limiter.take([limit], subject="u").allowed
    assert said() == []


def test_a_restart_between_requests_is_not_an_outage(server: RedisServer, said: Said) -> None:
    """The pooled connection is dead by then; the client notices before it sends."""
    limiter, limit = impatient(server), Limit("s", 3, DAY)
    limiter.take([limit], subject="u")
    server.kill()
    server.start()
    assert limiter.take([limit], subject="u").remaining == 2
    assert said() == []


def hammer(limiter: Limiter, limit: Limit, *, seconds: float) -> tuple[int, list[float]]:
    """8 threads without a pause: how many passed, and how long each call took."""
    end = time.monotonic() + seconds

    def one(_: int) -> tuple[int, list[float]]:
        passed, took = 0, []
        while (start := time.monotonic()) < end:
            passed += limiter.take([limit], subject="u").allowed
            took.append(time.monotonic() - start)
            time.sleep(0.001)
        return passed, took

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(one, range(8)))
    return sum(passed for passed, _ in results), sorted(took for _, tooks in results for took in tooks)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
def test_redis_lost_in_full_flight(server: RedisServer, end: signal.Signals, said: Said) -> None:
    limiter = Limiter(FallbackStore(RedisStore(connect(server.url)), MemoryStore()))
    limit = Limit("s", 50, DAY)
    with ThreadPoolExecutor(1) as flight:
        flying = flight.submit(hammer, limiter, limit, seconds=1.2)
        time.sleep(0.4)
        server.signal(end)
        passed, took = flying.result()
    # 50 in Redis before, 50 in the process after: the limit held on both sides of the switch.
    assert passed == 100
    assert said() == [("WARNING", "TimeoutError" if end is signal.SIGSTOP else "ConnectionError")]
    # Those in flight wait for their sockets' deadline (0.25 s) once; nobody queues behind them or waits again.
    assert took[-1] < 0.5
    assert sum(one > 0.2 for one in took) <= 8


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
def test_redis_comes_back(server: RedisServer, end: signal.Signals, said: Said) -> None:
    limiter, limit = impatient(server), Limit("s", 2, DAY)
    assert limiter.take([limit], subject="before").remaining == 1
    for _ in range(2):
        server.signal(end)
        start = time.monotonic()
        # Long enough for two attempts in vain, which say nothing.
        while time.monotonic() < start + 0.6:
            assert limiter.take([limit], subject="u").limit == 2
            time.sleep(0.01)
        assert not limiter.take([limit], subject="u").allowed
        if end is signal.SIGSTOP:
            server.signal(signal.SIGCONT)
        else:
            server.kill()
            server.start()
        time.sleep(0.25)
        limiter.take([limit], subject="u")
    # Two outages, each with one warning and one line of relief.
    assert [level for level, _ in said()] == ["WARNING", "INFO", "WARNING", "INFO"]
    assert limiter.take([limit], subject="after").remaining == 1
    assert connect(server.url).dbsize() >= 1


def test_never_there(said: Said) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        limiter = Limiter.over(connect(f"redis://127.0.0.1:{closed.getsockname()[1]}/0"))
        limit = Limit("s", 5, DAY)
        assert [limiter.take([limit], subject="u").allowed for _ in range(7)] == [True] * 5 + [False] * 2
    assert [level for level, _ in said()] == ["WARNING"]


def test_a_redis_that_refuses_the_command_counts_as_lost(server: RedisServer, said: Said) -> None:
    """READONLY, OOM, WRONGTYPE and the like: an answer, but not a count."""
    client = connect(server.url)
    client.config_set("maxmemory", "1")
    limiter, limit = impatient(server), Limit("s", 1, DAY)
    assert limiter.take([limit], subject="u").allowed
    assert not limiter.take([limit], subject="u").allowed
    assert [level for level, _ in said()] == ["WARNING"]
