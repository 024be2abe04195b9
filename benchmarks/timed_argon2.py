"""Argon2 at production's cost, which keeps the time of its latest verification."""

import time

from django.contrib.auth.hashers import Argon2PasswordHasher

latest_ms: list[float] = []
"""Of each verification since it was last cleared."""


class TimedArgon2(Argon2PasswordHasher):
    def verify(self, password: str, encoded: str) -> bool:
        started = time.perf_counter()
        try:
            return super().verify(password, encoded)
        finally:
            latest_ms.append((time.perf_counter() - started) * 1e3)
