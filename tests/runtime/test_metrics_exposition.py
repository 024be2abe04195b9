"""The registry of our own, in the text that Prometheus reads."""

import platform
from collections.abc import Iterable, Iterator

import pytest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from stoa.runtime import metrics
from stoa.runtime.version import VERSION


class Constant(Collector):
    def __init__(self, value: float) -> None:
        self.value = value

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("stoa_probe", "A probe.", value=self.value)


def samples() -> dict[str, list[tuple[dict[str, str], float]]]:
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((dict(sample.labels), sample.value))
    return found


@pytest.fixture(autouse=True)
def _without_the_probe_afterwards() -> Iterator[None]:
    yield
    metrics.REGISTRY.unregister(metrics._installed.pop("probe"))


def test_a_collector_is_asked_at_each_scrape_and_replaced_by_name() -> None:
    first = Constant(1)
    metrics.install("probe", first)
    first.value = 2
    assert samples()["stoa_probe"] == [({}, 2.0)]
    metrics.install("probe", Constant(3))
    assert samples()["stoa_probe"] == [({}, 3.0)]


def test_the_build_is_told_and_the_librarys_own_collectors_are_absent() -> None:
    metrics.install("probe", Constant(1))
    found = samples()
    assert found["stoa_build_info"] == [({"version": VERSION, "python": platform.python_version()}, 1.0)]
    assert [name for name in found if not name.startswith("stoa_")] == []
    assert metrics.CONTENT_TYPE == "text/plain; version=0.0.4; charset=utf-8"
