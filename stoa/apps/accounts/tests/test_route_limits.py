"""Rates of signing in and registering, whom they count, and that losing Redis costs nobody an answer."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import redis
from django.test import override_settings

from stoa.apps.accounts.models import User
from stoa.apps.accounts.tests.factories import PASSWORD, Person
from stoa.kit.ids import new_uuid
from stoa.platform.http.limits import forget_own_limiter
from stoa.platform.testing.client import ApiClient, envelope
from stoa.platform.testing.fixtures import Serve
from stoa.runtime.config import current

LOGIN, REGISTER, ME = "/api/v1/auth/login", "/api/v1/auth/register", "/api/v1/users/me"

type Rates = Callable[..., None]


@pytest.fixture
def rates() -> Iterator[Rates]:
    """Other rates in force, by the configuration's own seam."""
    chosen = current.loaded()

    def change(**fields: str | int) -> None:
        current.use(type(chosen)(chosen.settings.model_copy(update=fields), chosen.origins))

    forget_own_limiter()
    yield change
    current.use(chosen)
    forget_own_limiter()


def an_address() -> str:
    """Nobody's yet: buckets in Redis outlive a test."""
    return "fd00::" + ":".join(new_uuid().hex[-8:][n : n + 4] for n in (0, 4))


def figures(response: httpx.Response) -> tuple[int, str, str]:
    return response.status_code, response.headers["ratelimit-limit"], response.headers["ratelimit-remaining"]


def test_signing_in_is_limited_by_address_whoever_is_named(api: ApiClient, member: Person, rates: Rates) -> None:
    rates(sign_in_rate="3/hour")
    caller, right = api.at(an_address()), {"email": member.user.email, "password": PASSWORD}
    tried = [caller.post(LOGIN, json=body) for body in (right, {**right, "password": "x"}, {**right, "email": "x"})]
    assert [figures(one) for one in tried] == [(200, "3", "2"), (401, "3", "1"), (401, "3", "0")]
    assert 0 < int(tried[0].headers["ratelimit-reset"]) <= 1200
    refused = caller.post(LOGIN, json=right)
    assert (envelope(refused).status, envelope(refused).code, figures(refused)) == (
        429,
        "RATE_LIMITED",
        (429, "3", "0"),
    )
    assert 0 < int(refused.headers["retry-after"]) <= 1200
    assert api.at(an_address()).post(LOGIN, json=right).status_code == 200
    forged = caller.post(LOGIN, json=right, headers={"X-Forwarded-For": an_address()})
    assert forged.status_code == 429


@pytest.mark.parametrize("debug", [True, False])
def test_limits_let_requests_through_whether_debug_is_on_or_off(
    api: ApiClient, member: Person, rates: Rates, debug: bool
) -> None:
    rates(throttle_user_rate="2/hour", django_debug=debug)
    with override_settings(DEBUG=debug):
        asked = [api.get(ME, headers=member.bearer) for _ in range(3)]
    assert [one.status_code for one in asked] == [200, 200, 429]


def test_registering_is_limited_by_address_and_a_refused_one_makes_nobody(
    api: ApiClient, db: None, rates: Rates
) -> None:
    rates(register_rate="2/hour")
    caller = api.at(an_address())

    def register(number: int) -> httpx.Response:
        body = {"email": f"{number}@example.org", "password": PASSWORD, "name": "Ann"}
        return caller.post(REGISTER, json=body)

    assert [figures(register(number)) for number in range(3)] == [(201, "2", "1"), (201, "2", "0"), (429, "2", "0")]
    assert User.objects.count() == 2


def test_the_signed_in_are_counted_each_and_not_by_their_address(
    api: ApiClient, member: Person, outsider: Person, rates: Rates
) -> None:
    rates(throttle_user_rate="2/hour", throttle_anon_rate="1/hour")
    office = api.at(an_address())
    assert [office.get(ME, headers=member.bearer).status_code for _ in range(3)] == [200, 200, 429]
    assert api.at(an_address()).get(ME, headers=member.bearer).status_code == 429
    assert figures(office.get(ME, headers=outsider.bearer)) == (200, "2", "1")
    assert figures(office.get("/api/v1/probe/fail")) == (200, "1", "0")
    assert office.get("/api/v1/probe/fail").status_code == 429


def test_guessing_tokens_is_counted_as_anonymous(api: ApiClient, db: None, rates: Rates) -> None:
    rates(throttle_anon_rate="2/hour")
    guesser = api.at(an_address())
    guesses = [guesser.get(ME, headers={"Authorization": f"Bearer {n}"}).status_code for n in range(3)]
    assert guesses == [401, 401, 429]


def test_the_health_of_the_system_is_not_under_the_default_rates(api: ApiClient, db: None, rates: Rates) -> None:
    rates(throttle_anon_rate="1/hour", rate_limit_per_minute=1)
    caller = api.at(an_address())
    answers = [caller.get("/api/v1/system/health") for _ in range(4)]
    assert [one.status_code for one in answers] == [200] * 4
    assert "ratelimit-limit" not in answers[0].headers


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    with redis.Redis(port=port) as client:
        for _ in range(200):
            try:
                client.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.02)
    yield f"redis://127.0.0.1:{port}/0", process
    process.kill()
    process.wait(10)


def test_redis_killed_between_requests_costs_nobody_an_answer(
    serve: Serve, own_redis: tuple[str, "subprocess.Popen[bytes]"]
) -> None:
    url, process = own_redis
    server = serve(REDIS_URL=url, THROTTLE_ANON_RATE="30/hour")
    statuses = []
    with server.client() as client:
        statuses += [client.get("/api/v1/probe/fail").status_code for _ in range(10)]
        with redis.Redis.from_url(url) as counting:
            assert counting.dbsize() > 0
        process.kill()
        process.wait(10)
        statuses += [client.get("/api/v1/probe/fail").status_code for _ in range(32)]
    assert statuses[:40] == [200] * 40
    assert statuses[40:] == [429, 429]
