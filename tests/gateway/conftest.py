"""A platform and a gateway on the local bus, shared by the tests of a module."""

from collections.abc import Iterator

import pytest

from tests.gateway.harness import Gateway, Platform, gateway_in


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    made = Platform()
    yield made
    made.end()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, platform: Platform) -> Iterator[Gateway]:
    with gateway_in(tmp_path_factory.mktemp("gateway"), platform) as made:
        yield made
