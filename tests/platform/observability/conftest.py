from collections.abc import Iterator

import pytest

from tests.platform.observability.echo import Echo, echoing


@pytest.fixture
def echo() -> Iterator[Echo]:
    with echoing() as server:
        yield server
