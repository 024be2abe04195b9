"""What the installation says of itself: to anybody that it runs, to staff how its parts do."""

from datetime import datetime

from stoa.kit.clock import utc_now
from stoa.kit.contract import Contract
from stoa.platform.http.access import PUBLIC
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.views import Call
from stoa.runtime.config.current import settings
from stoa.runtime.version import VERSION

routes = Routes("system", default_limits=False)


class SystemHealth(Contract):
    status: str
    time: datetime
    version: str
    environment: str


@routes.get("system/health", access=PUBLIC, answer=SystemHealth)
def system_health(call: Call[None, None]) -> SystemHealth:
    """Say that the API runs, and which version."""
    return SystemHealth(status="healthy", time=utc_now(), version=VERSION, environment=settings().environment)
