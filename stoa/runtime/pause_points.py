"""Named places in production code where a test may hold, fault or kill the process.

Unarmed, a point costs one look at an empty dict and does nothing. It can be armed only where ENVIRONMENT is `test`.
"""

from collections.abc import Callable

from stoa.runtime.config.current import settings

type Action = Callable[[], bool]
"""What happens at the point, in the thread that reached it; True asks it to leave out the step it guards."""

_armed: dict[str, Action] = {}


def pause_point(name: str) -> bool:
    """Name the place `<package>.<what happens next>`, for example `idempotency.before_commit`.

    True only when a test wants the step that follows left out: that is how the twin of a race test takes its lock away.
    """
    return bool(_armed) and _reach(name)


def _reach(name: str) -> bool:
    action = _armed.get(name)
    return action is not None and action()


def arm(name: str, action: Action) -> None:
    """Replaces what was armed there. Raises RuntimeError outside the test environment."""
    if settings().environment != "test":
        raise RuntimeError("pause points can be armed only where ENVIRONMENT is test")
    _armed[name] = action


def disarm(name: str) -> None:
    """A thread already held at the point stays there until its action lets it go."""
    _armed.pop(name, None)
