"""Every metric that an alert or a panel names is exposed, and every metric of ours is looked at by one of them."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

import stoa
from stoa.platform.db.tls_certificates import CertificateDays
from stoa.platform.metrics import pool, requests, tasks
from stoa.platform.metrics.background import BackgroundFigures, Figures
from stoa.platform.outbox.delivering import DELIVERIES
from stoa.platform.sweeps.staleness import LastRun
from stoa.runtime import metrics
from tests.platform.metrics.samples import samples_of

ROOT = Path(next(iter(stoa.__path__))).parent
NAMED = re.compile(r"\bstoa_[a-z_]+")


def alerts() -> list[dict[str, object]]:
    document = yaml.safe_load((ROOT / "infra" / "prometheus" / "alerts.yaml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, object]]:
    document = json.loads((ROOT / "infra" / "grafana" / "stoa.json").read_text())
    found: list[dict[str, object]] = document["panels"]
    return found


def expressions(described: object) -> Iterable[str]:
    if isinstance(described, dict):
        for name, value in described.items():
            if name == "expr":
                yield value
            else:
                yield from expressions(value)
    if isinstance(described, list):
        for item in described:
            yield from expressions(item)


class _Certificates(CertificateDays):
    def days_left(self) -> dict[str, float]:
        return {"POSTGRES_SSL_CERT": 12.0}


@pytest.fixture
def exposed(counting: Path) -> set[str]:
    """The names of all samples once everything has happened."""
    requests.REQUESTS.inc("GET", "api/v1/system/health", "200")
    requests.REQUEST_SECONDS.observe(0.1, "GET", "api/v1/system/health")
    requests.PROBES.inc("/health", "200")
    pool.CONNECTIONS.put(1, "idle")
    pool.WAITING.put(0)
    tasks.TASKS.inc("t", "success")
    tasks.TASK_SECONDS.observe(0.1, "t")
    DELIVERIES.inc("done")
    before = dict(metrics._installed)
    metrics.install("background", BackgroundFigures(lambda: Figures(0.0, 0, (), (LastRun("a", 1.0, 0),))))
    metrics.install("certificate_days", _Certificates({}))
    try:
        return set(samples_of(metrics.exposition().decode()))
    finally:
        for name in ("background", "certificate_days"):
            metrics.uninstall(name)
            if name in before:
                metrics.install(name, before[name])


def families_of(names: Iterable[str]) -> set[str]:
    return {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in names}


@pytest.mark.parametrize("described", [alerts, panels])
def test_what_is_named_is_exposed(exposed: set[str], described: object) -> None:
    assert callable(described)
    named = {name for text in expressions(described()) for name in NAMED.findall(text)}
    assert named
    assert named - exposed == set(), "named, and nothing exposes it"


def test_what_is_exposed_is_on_the_dashboard(exposed: set[str]) -> None:
    shown = families_of(name for text in expressions(panels()) for name in NAMED.findall(text))
    assert families_of(exposed) - shown == set()


def test_an_alert_says_how_urgent_it_is_and_what_happened() -> None:
    names = [rule["alert"] for rule in alerts()]
    assert len(names) == len(set(names)) == 13
    for rule in alerts():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"] in ({"severity": "page"}, {"severity": "ticket"})
        assert isinstance(rule["annotations"], dict)
        assert str(rule["annotations"]["summary"]).endswith(".")
        assert re.fullmatch(r"\d+[smh]", str(rule.get("for", "1m")))
        expression = str(rule["expr"])
        assert expression.count("(") == expression.count(")")


def test_panels_stand_beside_each_other_and_ask_the_chosen_source() -> None:
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in panels()]  # type: ignore[index]  # as Grafana writes it
    assert len(places) == len(set(places)) == 14
    assert {json.dumps(p["datasource"]) for p in panels()} == {'{"type": "prometheus", "uid": "${source}"}'}


def test_the_guide_tells_every_metric(exposed: set[str]) -> None:
    guide = (ROOT / "docs" / "howto" / "metrics.md").read_text()
    assert families_of(exposed) - families_of(NAMED.findall(guide)) == set()
