"""Taking a node out of the balancer before its server is told to stop.

Every server refuses connections at once on SIGTERM, so readiness has to turn red earlier. The sign is a file, because a
command can write one and each web process can look for one without either knowing the other.
"""

import os.path
from pathlib import Path

from stoa.kit.clock import isoformat, utc_now
from stoa.runtime.config.current import settings


def drain() -> Path:
    """Turn `/health/ready` red in every process that shares the folder. Idempotent. Raises OSError if it cannot."""
    path = Path(settings().drain_file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"draining since {isoformat(utc_now())}\n")
    return path


def undrain() -> Path:
    """Take the sign away again. Idempotent."""
    path = Path(settings().drain_file)
    path.unlink(missing_ok=True)
    return path


def is_draining() -> bool:
    """One stat, never cached. A folder that cannot be looked into counts as "no": a wrong mode must not stop traffic."""
    return os.path.exists(settings().drain_file)  # noqa: PTH110 - Path.exists raises there on 3.12
