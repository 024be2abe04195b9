"""What a sign-in costs beside its one Argon2 verification: `python -m benchmarks.login_cost`.

The service, with lockout, second step asked after, session and audit trail, under the hasher of production. The hasher
tells its own time, which is taken from the same call: between two calls Argon2 differs by more than all the rest."""

import statistics
import time
from collections.abc import Callable

from benchmarks.each_database import on_each_database, run
from benchmarks.figures import Figure
from benchmarks.scratch import scratch

GOAL_MS = 3


def measure(*, smoke: bool) -> list[Figure]:
    figures = []
    for vendor, found in on_each_database("benchmarks.login_cost", smoke=smoke).items():
        added = found["login_ms"]
        beside = f"Argon2 alone {found['argon2_ms']:.1f}; an unknown account's adds {found['unknown_ms']:.1f}; "
        beside += f"medians of {found['turns']:.0f}"
        # A few turns show that it runs; their medians judge nothing.
        goal, met = ("", None) if smoke else (f"<= {GOAL_MS}", added <= GOAL_MS)
        figures.append(Figure(f"login adds to its Argon2 verification, {vendor}", added, "ms", beside, goal, met))
    return figures


def _one(smoke: bool) -> dict[str, float]:
    turns = 3 if smoke else 101
    with scratch():
        from django.test import override_settings

        from benchmarks.timed_argon2 import latest_ms
        from stoa.apps.accounts.errors import BadCredentials
        from stoa.apps.accounts.services.sessions import Device, sign_in
        from stoa.apps.accounts.tests.factories import PASSWORD, make_user

        def unknown(number: int) -> None:
            device = Device(agent="bench", address=f"2001:db8::{number:x}")
            try:
                sign_in(login=f"nobody{number}@example.org", password=PASSWORD, device=device)
            except BadCredentials:
                return
            raise AssertionError("somebody was signed in")

        with override_settings(PASSWORD_HASHERS=["benchmarks.timed_argon2.TimedArgon2"]):
            user = make_user("Bench")
            device = Device(agent="bench", address="192.0.2.1")
            asked: dict[str, Callable[[int], object]] = {
                "login": lambda _: sign_in(login=user.email, password=PASSWORD, device=device),
                "unknown": unknown,
            }
            times: dict[str, list[float]] = {name: [] for name in (*asked, "argon2")}
            for number in range(turns + 1):
                for name, ask in asked.items():
                    latest_ms.clear()
                    started = time.perf_counter()
                    ask(number)
                    whole = (time.perf_counter() - started) * 1e3
                    [argon2] = latest_ms
                    if number:  # the first turn warms up, and makes the hash that nobody has
                        times[name].append(whole - argon2)
                        times["argon2"].append(argon2)
    return {"turns": turns, **{f"{name}_ms": statistics.median(found) for name, found in times.items()}}


if __name__ == "__main__":
    run(measure, one=_one)
