"""Sweeps of a test alone, and a clock that it sets."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from stoa.platform.sweeps import registry


class SetClock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def goes(self, **forward: float) -> None:
        self.now += timedelta(**forward)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def own_sweeps() -> Iterator[None]:
    """The registry starts empty, and what the test declares ends with it."""
    before = dict(registry._declared)
    registry._declared.clear()
    yield
    registry._declared.clear()
    registry._declared.update(before)
