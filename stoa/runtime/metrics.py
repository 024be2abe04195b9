"""What `/metrics` shows: figures that processes share, and figures that are computed when somebody asks.

In a registry of our own: the library's default one brings collectors (process, platform, garbage collector) that double
what the host reports, and that a second import of a module can fill twice.
"""

import platform
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from stoa.runtime.metrics_store import Store, StoreCollector, use_store
from stoa.runtime.version import VERSION

REGISTRY = CollectorRegistry()
CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_installed: dict[str, Collector] = {}

_build = Gauge("stoa_build_info", "Always 1; the labels say what runs.", ["version", "python"], registry=REGISTRY)
_build.labels(version=VERSION, python=platform.python_version()).set(1)


def share_in(folder: Path) -> None:
    """Count from now on, in this folder, with every other process that does. Raises OSError where it cannot be made."""
    store = Store(folder)
    use_store(store)
    install("shared", StoreCollector(store))


def stop_sharing() -> None:
    use_store(None)
    uninstall("shared")


def exposition() -> bytes:
    """Everything registered, in the text format that CONTENT_TYPE names."""
    return generate_latest(REGISTRY)


def install(name: str, collector: Collector) -> None:
    """Register a collector that computes its values at scrape time; one installed before under `name` gives way."""
    uninstall(name)
    REGISTRY.register(collector)
    _installed[name] = collector


def uninstall(name: str) -> None:
    previous = _installed.pop(name, None)
    if previous is not None:
        REGISTRY.unregister(previous)
