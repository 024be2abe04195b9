"""What the installation says of itself: to anybody that it runs, to staff how its parts do."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Literal

from stoa.kit.clock import utc_now
from stoa.kit.contract import Contract
from stoa.kit.errors import Unavailable
from stoa.platform.health.broker_check import BrokerCheck
from stoa.platform.health.readiness import Readiness, readiness_from_settings
from stoa.platform.health.verdict import Outcome
from stoa.platform.http.access import PUBLIC, staff
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.views import Call
from stoa.project.background import background_outcomes
from stoa.runtime.config.current import settings
from stoa.runtime.version import VERSION

routes = Routes("system", default_limits=False)

_COMPONENT_OF = {"database": "db", "redis": "cache"}


class SystemHealth(Contract):
    status: str
    time: datetime
    version: str
    environment: str


class Component(Contract):
    """`detail` is the name of an exception class, or empty."""

    name: str
    status: Literal["ok", "degraded"]
    latency_ms: float
    detail: str


class SystemReady(Contract):
    status: Literal["ok"]
    components: tuple[Component, ...]


class SystemNotReady(Unavailable):
    """`details.components` says which part."""

    code, message = "NOT_READY", "Some parts of the system do not answer."


@routes.get("system/health", access=PUBLIC, answer=SystemHealth)
def system_health(call: Call[None, None]) -> SystemHealth:
    """Say that the API runs, and which version."""
    return SystemHealth(status="healthy", time=utc_now(), version=VERSION, environment=settings().environment)


@routes.get("system/ready", access=staff("system", "read"), answer=SystemReady, raises=(SystemNotReady,))
def system_ready(call: Call[None, None]) -> SystemReady:
    """Say how each part does: database, migrations, cache, broker, workers and outbox."""
    components = _components((*_readiness().verdict().checks, *background_outcomes()))
    if any(component.status == "degraded" for component in components):
        raise SystemNotReady(details={"components": components})
    return SystemReady(status="ok", components=components)


@lru_cache(maxsize=1)
def _readiness() -> Readiness:
    broker = settings().celery_broker_url
    return readiness_from_settings(*([BrokerCheck(broker.get_secret_value())] if broker is not None else []))


def _components(outcomes: Sequence[Outcome]) -> tuple[Component, ...]:
    return tuple(
        Component(
            name=_COMPONENT_OF.get(outcome.name, outcome.name),
            status="ok" if outcome.ok else "degraded",
            latency_ms=outcome.duration_ms,
            detail=outcome.error or "",
        )
        for outcome in outcomes
    )
