"""`stoa drain`: take this node out of the balancer before it is stopped."""

from collections.abc import Callable
from pathlib import Path

from stoa.project.commands.refusal import CannotStart
from stoa.runtime.config.current import settings


def drain(*, off: bool, say: Callable[[str], None]) -> int:
    """Write DRAIN_FILE, or remove it with `off`. Every process of this node sees it at its next readiness check."""
    file = Path(settings().drain_file)
    try:
        if off:
            file.unlink(missing_ok=True)
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    except OSError as error:
        raise CannotStart(f"cannot change {file.resolve()} ({error.strerror})") from None
    if off:
        say(f"serving again: {file} is gone")
    else:
        say(f"draining: /health/ready answers 503 while {file} exists; `stoa drain --off` ends it")
    return 0
