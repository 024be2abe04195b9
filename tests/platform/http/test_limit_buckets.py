"""The bucket itself, against a naive model in exact fractions, on a clock that the test turns."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa.platform.http.limit_store_memory import MemoryStore
from stoa.platform.http.limits import Limit, Limiter, Verdict


class Clock:
    def __init__(self) -> None:
        self.now_us = 1_000

    def __call__(self) -> int:
        return self.now_us


class NaiveBucket:
    """A token bucket as the textbook has it: tokens drip in, a request takes one if one is there."""

    def __init__(self, limit: Limit) -> None:
        self.size = limit.burst
        self.tokens = Fraction(limit.burst)
        self.per_us = Fraction(1, limit.interval_us)

    def pass_time(self, us: int) -> None:
        self.tokens = min(self.tokens + us * self.per_us, Fraction(self.size))


limits = st.builds(
    Limit, st.just("s"), st.integers(1, 500), st.sampled_from([1, 7, 60, 3600, 86_400]), st.integers(0, 20)
)
# Waits around the interval hit the edges; the factor is in hundredths of it.
waits = st.lists(st.one_of(st.just(0), st.just(100), st.integers(0, 450)), max_size=80)


@given(limit=limits, waits=waits)
def test_one_bucket_is_a_token_bucket(limit: Limit, waits: list[int]) -> None:
    clock = Clock()
    limiter, naive = Limiter(MemoryStore(clock_us=clock)), NaiveBucket(limit)
    for hundredths in waits:
        clock.now_us += (us := limit.interval_us * hundredths // 100)
        naive.pass_time(us)
        verdict = limiter.take([limit], subject="u")
        assert verdict.allowed is (naive.tokens >= 1)
        naive.tokens -= verdict.allowed
        assert verdict.remaining == naive.tokens // 1
        missing_us = (naive.size - naive.tokens) / naive.per_us
        assert verdict.reset_s == -(-missing_us // 1_000_000)
        if not verdict.allowed:
            wait_us = (1 - naive.tokens) / naive.per_us
            assert verdict.retry_after_s == -(-wait_us // 1_000_000) >= 1


@given(first=limits, second=limits, waits=waits)
def test_two_buckets_pay_together_or_not_at_all(first: Limit, second: Limit, waits: list[int]) -> None:
    second = Limit("other", second.amount, second.period_s, second.burst)
    clock = Clock()
    limiter = Limiter(MemoryStore(clock_us=clock))
    naive = [NaiveBucket(first), NaiveBucket(second)]
    for hundredths in waits:
        clock.now_us += (us := first.interval_us * hundredths // 100)
        for bucket in naive:
            bucket.pass_time(us)
        verdict = limiter.take([first, second], subject="u")
        assert verdict.allowed is all(bucket.tokens >= 1 for bucket in naive)
        for bucket in naive:
            bucket.tokens -= verdict.allowed
        assert verdict.remaining == min(bucket.tokens for bucket in naive) // 1


@given(limit=limits, waits=waits)
def test_never_more_than_the_rate_over_any_stretch(limit: Limit, waits: list[int]) -> None:
    """burst + elapsed * amount / period bounds every prefix, for the true rate, not the rounded interval."""
    clock = Clock()
    limiter = Limiter(MemoryStore(clock_us=clock))
    start, passed = clock.now_us, 0
    for hundredths in waits:
        clock.now_us += limit.interval_us * hundredths // 100
        passed += limiter.take([limit], subject="u").allowed
        elapsed = clock.now_us - start
        assert passed <= limit.burst + Fraction(elapsed * limit.amount, limit.period_s * 1_000_000)


@given(
    limit=st.builds(Limit, st.just("s"), st.integers(1, 10**7), st.sampled_from([1, 7, 60, 3600]), st.integers(1, 3))
)
def test_a_caller_who_takes_every_token_the_moment_it_drops(limit: Limit) -> None:
    clock = Clock()
    limiter, start = Limiter(MemoryStore(clock_us=clock)), clock.now_us
    for _ in range(limit.burst):
        assert limiter.take([limit], subject="u").allowed
    for drop in range(1, 40):
        clock.now_us += limit.interval_us - 1
        assert not limiter.take([limit], subject="u").allowed
        clock.now_us += 1
        assert limiter.take([limit], subject="u").allowed
        assert drop <= Fraction((clock.now_us - start) * limit.amount, limit.period_s * 1_000_000)


def test_the_tightest_limit_speaks() -> None:
    limiter = Limiter(MemoryStore(clock_us=Clock()))
    wide, narrow = Limit("wide", 100, 60), Limit("narrow", 2, 10)
    assert limiter.take([wide, narrow], subject="u") == Verdict(True, 2, 1, 5, 0)
    assert limiter.take([wide, narrow], subject="u") == Verdict(True, 2, 0, 10, 0)
    assert limiter.take([wide, narrow], subject="u") == Verdict(False, 2, 0, 10, 5)
    # The refused request took nothing from the wide one.
    assert limiter.take([wide], subject="u") == Verdict(True, 100, 97, 2, 0)


def test_when_several_refuse_the_longest_wait_speaks() -> None:
    limiter = Limiter(MemoryStore(clock_us=Clock()))
    minute, day = Limit("minute", 1, 60), Limit("day", 1, 86_400)
    limiter.take([minute, day], subject="u")
    assert limiter.take([minute, day], subject="u").retry_after_s == 86_400


def test_subjects_and_scopes_do_not_share() -> None:
    limiter = Limiter(MemoryStore(clock_us=Clock()))
    one = Limit("one", 1, 60)
    assert limiter.take([one], subject="a").allowed
    assert limiter.take([one], subject="b").allowed
    assert limiter.take([Limit("two", 1, 60)], subject="a").allowed
    assert not limiter.take([one], subject="a").allowed


def test_the_same_limit_twice_in_a_request_is_paid_once() -> None:
    limiter = Limiter(MemoryStore(clock_us=Clock()))
    limit = Limit("s", 2, 60)
    assert limiter.take([limit, limit], subject="u").remaining == 1


@pytest.mark.parametrize("limits", [[], [Limit("off", 0, 60)], [Limit.from_rate("off", "0/min")]])
def test_no_limit_lets_everything_through(limits: list[Limit]) -> None:
    limiter = Limiter(MemoryStore(clock_us=Clock()))
    assert limiter.take(limits, subject="u") == Verdict(True, 0, 0, 0, 0)


def test_any_text_is_a_subject() -> None:
    limiter = Limiter(MemoryStore(clock_us=Clock()))
    limit = Limit("s", 1, 60)
    for subject in ("", "\ud800", "\x00", "x" * 100_000, "я:{}"):
        assert limiter.take([limit], subject=subject).allowed
        assert not limiter.take([limit], subject=subject).allowed


def test_memory_is_bounded_and_who_owes_most_is_kept() -> None:
    clock = Clock()
    store = MemoryStore(clock_us=clock, max_buckets=100)
    limiter, limit = Limiter(store), Limit("s", 3, 60)
    for _ in range(3):
        assert limiter.take([limit], subject="greedy").allowed
    for number in range(1_000):
        limiter.take([limit], subject=f"passer-by {number}")
        assert len(store) <= 100
    assert not limiter.take([limit], subject="greedy").allowed


def test_full_buckets_are_evicted_first() -> None:
    clock = Clock()
    store = MemoryStore(clock_us=clock, max_buckets=10)
    limiter, limit = Limiter(store), Limit("s", 1, 60)
    for number in range(10):
        limiter.take([limit], subject=f"early {number}")
    clock.now_us += 60_000_000
    limiter.take([limit], subject="late")
    assert len(store) == 1


def test_the_real_clock_refills() -> None:
    limiter, limit = Limiter(MemoryStore()), Limit("s", 1_000_000, 1, 1)
    assert sum(limiter.take([limit], subject="u").allowed for _ in range(50)) > 1
