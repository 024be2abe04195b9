"""What staff read of the trail."""

from collections.abc import Mapping
from datetime import datetime

from stoa.kit.contract import Contract


class AuditView(Contract):
    """One act. `detail` is JSON with address, agent, before and after, as far as there were any; null once erased."""

    id: int
    at: datetime
    action: str
    actor_id: str
    object_type: str
    object_id: str
    org_id: str
    severity: str
    request_id: str
    detail: Mapping[str, object] | None
