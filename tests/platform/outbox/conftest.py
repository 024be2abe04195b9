"""Each test registers its own subscribers, and finds none of anybody else's."""

from collections.abc import Iterator

import pytest

from stoa.platform.outbox import subscriptions as registry


@pytest.fixture(autouse=True)
def own_subscribers() -> Iterator[None]:
    before = dict(registry._subscriptions)
    registry._subscriptions.clear()
    yield
    registry._subscriptions.clear()
    registry._subscriptions.update(before)
