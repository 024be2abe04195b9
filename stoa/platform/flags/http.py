"""A caller's flags."""

from collections.abc import Mapping

from stoa.kit.contract import Contract
from stoa.platform.flags.public import flags_of
from stoa.platform.http.access import SIGNED_IN
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.views import Call

routes = Routes("config")


class FlagsView(Contract):
    """By name: may the caller use the feature?"""

    flags: Mapping[str, bool]


@routes.get("config/flags", access=SIGNED_IN, answer=FlagsView)
def my_flags(call: Call[None, None]) -> FlagsView:
    """Say which features the caller has."""
    return FlagsView(flags=flags_of())
