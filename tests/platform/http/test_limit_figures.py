"""What a limit may be, which ones the settings ask for, and the headers."""

import multiprocessing

import pytest

from stoa.platform.http.limit_store_memory import MemoryStore
from stoa.platform.http.limits import (
    Limit,
    Limiter,
    Verdict,
    forget_own_limiter,
    global_limits,
    limit_headers,
    limit_subject,
    own_limiter,
)
from stoa.runtime.config.loader import load


@pytest.mark.parametrize(
    ("rate", "amount", "period_s"), [("120/min", 120, 60), ("5/s", 5, 1), ("10/hour", 10, 3600), ("1/day", 1, 86_400)]
)
def test_from_rate(rate: str, amount: int, period_s: int) -> None:
    assert Limit.from_rate("s", rate) == Limit("s", amount, period_s, amount)
    assert Limit.from_rate("s", rate, burst=3) == Limit("s", amount, period_s, 3)


@pytest.mark.parametrize("figures", [(-1, 60, 0), (1, 0, 0), (1, -60, 0), (1, 60, -1), (1, 366 * 86_400 + 1, 0)])
def test_meaningless_figures_are_refused(figures: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="a limit needs"):
        Limit("s", *figures)


def test_the_interval_is_rounded_so_that_no_more_pass() -> None:
    assert Limit("s", 7, 60).interval_us == 8_571_429
    assert Limit("s", 60, 60).interval_us == 1_000_000
    assert Limit("s", 10**9, 1).interval_us == 1


def test_an_absurd_burst_is_cut_where_doubles_end() -> None:
    assert Limit("s", 1, 60, 10**9).burst == 10**15 // 60_000_000


def global_of(*, signed_in: bool, **environ: str) -> tuple[Limit, ...]:
    return global_limits(load(environ=environ, dotenv=None).settings, signed_in=signed_in)


def test_the_defaults_limit_users_and_addresses() -> None:
    assert global_of(signed_in=True) == (Limit("user", 120, 60, 120),)
    assert global_of(signed_in=False) == (Limit("anon", 60, 60, 60),)


def test_the_global_rate_joins_them() -> None:
    assert global_of(signed_in=True, RATE_LIMIT_PER_MINUTE="600", RATE_LIMIT_BURST="50") == (
        Limit("global", 600, 60, 50),
        Limit("user", 120, 60, 120),
    )
    assert global_of(signed_in=False, RATE_LIMIT_PER_MINUTE="600", THROTTLE_ANON_RATE="7/hour") == (
        Limit("global", 600, 60, 600),
        Limit("anon", 7, 3600, 7),
    )


def test_zero_is_off() -> None:
    assert global_of(signed_in=True, THROTTLE_USER_RATE="0/min") == ()
    assert global_of(signed_in=True, THROTTLE_USER_RATE="0/min", RATE_LIMIT_BURST="9") == ()


def test_headers() -> None:
    assert limit_headers(Verdict(True, 60, 59, 1, 0)) == {
        "RateLimit-Limit": "60",
        "RateLimit-Remaining": "59",
        "RateLimit-Reset": "1",
    }
    assert limit_headers(Verdict(False, 60, 0, 60, 1)) == {
        "RateLimit-Limit": "60",
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": "60",
        "Retry-After": "1",
    }
    assert limit_headers(Limiter(MemoryStore()).take([], subject="u")) == {}


def test_a_user_is_never_an_address() -> None:
    assert limit_subject(user_id="", address="10.0.0.1") == "address:10.0.0.1"
    assert limit_subject(user_id="10.0.0.1", address="10.0.0.1") == "user:10.0.0.1"


def _limiter_of_a_child(pipe: "multiprocessing.connection.Connection", parents: int) -> None:
    pipe.send(id(own_limiter()) == parents)


def test_one_limiter_a_process_and_a_fork_starts_its_own() -> None:
    forget_own_limiter()
    mine = own_limiter()
    assert own_limiter() is mine
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe()
    child = fork.Process(target=_limiter_of_a_child, args=(theirs, id(mine)))
    child.start()
    assert ours.poll(20)
    assert ours.recv() is False
    child.join(20)
    assert child.exitcode == 0
    forget_own_limiter()
    assert own_limiter() is not mine
    forget_own_limiter()
