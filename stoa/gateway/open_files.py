"""A socket is a file, and without one left nothing is accepted, logged or asked: say so before, and stop before."""

import resource

from stoa.runtime.logs import get_logger

RESERVE = 64
"""For what is no client's socket: the bus, the platform, logs, the listening socket."""
ALARM_AT, CALM_AT = 0.9, 0.8

log = get_logger(__name__)


class OpenFiles:
    """How many sockets the process's limit (`ulimit -n`) still allows. Plain counting, one thread."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0] if limit is None else limit
        self.room = max(self.limit - RESERVE, 1)
        self.taken = 0
        self._alarmed = False

    @property
    def left(self) -> int:
        return self.room - self.taken

    def take(self) -> bool:
        """False when there is no room; nothing is taken then."""
        if self.left <= 0:
            return False
        self.taken += 1
        if self.taken >= self.room * ALARM_AT and not self._alarmed:
            self._alarmed = True
            log.error("open files run out: raise the limit or add a gateway", sockets=self.taken, limit=self.limit)
        return True

    def give_back(self) -> None:
        self.taken -= 1
        if self.taken < self.room * CALM_AT:
            self._alarmed = False
