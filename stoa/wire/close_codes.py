"""Why the gateway closes a socket. 3000-3499: connect again; 3500-3999: do not, until something has changed."""

from enum import IntEnum


class Close(IntEnum):
    SHUTDOWN = 3001
    """The reason is `retry after <milliseconds>`, different for each socket, so that they do not all come at once."""
    EXPIRED = 3005
    SLOW = 3008
    INSUFFICIENT_STATE = 3010
    """What was needed to answer could not be asked: the platform or the bus is away."""
    NO_PONG = 3012
    TOO_MANY_REQUESTS = 3013
    INVALID_TOKEN = 3500
    REVOKED = 3503
    CONNECTION_LIMIT = 3504
    PERMISSION_DENIED = 3507


FIRST_FINAL = 3500


def may_reconnect(code: int) -> bool:
    """Also for the codes of the protocol itself: a lost connection is no verdict."""
    return code < FIRST_FINAL
