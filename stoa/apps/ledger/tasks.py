"""What the ledger does by the clock."""

from stoa.apps.ledger.services.checkpoints import make_checkpoints
from stoa.apps.ledger.services.holds import expire_holds
from stoa.apps.ledger.services.report_jobs import forget_reports
from stoa.apps.ledger.services.sealing import SEAL_EVERY_S, seal_entries
from stoa.apps.ledger.services.verifying import report_books
from stoa.platform.sweeps.registry import sweep


@sweep("ledger.late_holds", every_s=10)
def late_holds(limit: int) -> int:
    return expire_holds(limit=limit)


@sweep("ledger.unsealed_entries", every_s=SEAL_EVERY_S)
def unsealed_entries(limit: int) -> int:
    return seal_entries(limit=limit)


@sweep("ledger.integrity", every_s=3600, lease_s=900)
def integrity(limit: int) -> int:
    """How many faults, which /metrics tells; less than a batch, or it would be called again at once."""
    return min(report_books(), limit - 1)


@sweep("ledger.checkpoints", every_s=600, lease_s=900)
def checkpoints(limit: int) -> int:
    return make_checkpoints(limit=limit)


@sweep("ledger.old_reports", every_s=3600)
def old_reports(limit: int) -> int:
    return forget_reports(limit=limit)
