"""The module a test's server loads: arms the pause points of its plan, then hands over the application.

The plan is a file in the working folder, which the test made for this server alone."""

from pathlib import Path
from typing import TYPE_CHECKING

from django.utils.module_loading import import_string
from pydantic import TypeAdapter

from stoa.platform.testing.remote_pauses import PLAN_FILE, ServedPlan, arm_all

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


def _application() -> "WSGIApplication":
    plan = TypeAdapter(ServedPlan).validate_json(Path(PLAN_FILE).read_bytes())
    module, _, name = plan.application.partition(":")
    loaded: WSGIApplication = import_string(f"{module}.{name}")
    arm_all(plan.pauses)
    return loaded


application = _application()
