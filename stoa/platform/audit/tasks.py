"""When the trail is sealed and how long it is kept."""

from stoa.platform.audit.retention import purge_expired
from stoa.platform.audit.sealing import SEAL_EVERY_S, seal_pending
from stoa.platform.sweeps.registry import sweep


@sweep("audit.seal", every_s=SEAL_EVERY_S)
def seal(batch: int) -> int:
    """The single sealer: the sweep's lease, and a lock in the database besides."""
    return seal_pending()


@sweep("audit.purge", every_s=3600)
def purge(batch: int) -> int:
    return purge_expired()
