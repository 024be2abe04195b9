"""What this process is for. Said once by its entry point, before Django's settings are read."""

from typing import Literal

type Role = Literal["web", "worker", "gateway", "command", "migrate"]

_role: list[Role] = []


def declare_role(role: Role) -> None:
    """The first word counts: `stoa run` may import the web server's module without becoming a web process."""
    if not _role:
        _role.append(role)


def role() -> Role:
    return _role[0] if _role else "command"
