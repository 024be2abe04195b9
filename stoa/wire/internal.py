"""HTTP between the platform and the gateways, under `Authorization: Bearer <INTERNAL_SECRET>`. All bodies are JSON.

The gateway asks the platform (bare answers, no envelope):

- `POST /internal/realtime/sessions`   SessionsRequest -> SessionsAnswer: which sessions ended, and which of their channels
  they may not hear. Asked at each sign-in and subscription, of as many as come together, and again while the bus is away.

The platform tells a gateway that has no Redis (its local bus; loopback only):

- `POST /internal/publish`  PublishRequest -> PublishAnswer; all in order, or nothing;
- `POST /internal/control`  a Revoke or EndSubscription -> 204.
"""

from uuid import UUID

from stoa.kit.contract import Contract
from stoa.wire.bus import Position, Publication

SESSIONS_PATH = "/internal/realtime/sessions"
PUBLISH_PATH = "/internal/publish"
CONTROL_PATH = "/internal/control"
MOST_SESSIONS = 500


class LiveSession(Contract):
    """One socket as the gateway knows it: whose it is, and the channels that somebody had to allow."""

    user_id: UUID
    session_id: UUID
    channels: tuple[str, ...] = ()


class SessionsRequest(Contract):
    """At most MOST_SESSIONS."""

    sessions: tuple[LiveSession, ...]


class EndedChannel(Contract):
    user_id: UUID
    channel: str


class SessionsAnswer(Contract):
    """Of those asked about: the sessions that ended or whose user is disabled, and the channels no longer allowed."""

    revoked: tuple[UUID, ...]
    ended: tuple[EndedChannel, ...] = ()


class PublishRequest(Contract):
    publications: tuple[Publication, ...]


class PublishAnswer(Contract):
    positions: tuple[Position | None, ...]
    """None for an ephemeral publication."""
