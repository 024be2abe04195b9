"""What organizations does by the clock."""

from stoa.apps.organizations.services.invites import expire_invites
from stoa.platform.sweeps.registry import sweep


@sweep("organizations.late_invites", every_s=300)
def late_invites(limit: int) -> int:
    return expire_invites(limit=limit)
