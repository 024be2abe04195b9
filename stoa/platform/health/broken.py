"""The process's own word that it is beyond repair: `/health` answers 500 until a supervisor replaces it."""

_reasons: list[str] = []


def mark_broken(reason: str) -> None:
    """For a fault that only a restart mends. `reason` goes to the log, never to the caller of `/health`."""
    _reasons.append(reason)


def mark_whole() -> None:
    """Take the mark back, when what was broken did mend itself."""
    _reasons.clear()


def broken_reason() -> str | None:
    """The first reason given since the process was last whole."""
    return next(iter(_reasons), None)
