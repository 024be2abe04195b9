"""What apps tell those who are connected. Called from `@sends` reactions: what the bus cannot take waits in the outbox."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from stoa.kit.clock import isoformat, utc_now
from stoa.platform.outbox.delivering import delivery_key
from stoa.platform.realtime import bus
from stoa.runtime import context
from stoa.wire.bus import EndSubscription, Publication, Revoke
from stoa.wire.server_frames import EVENT_TYPES


def tell(*, channel: str, kind: str, data: Mapping[str, Any]) -> None:
    """A durable event to everybody on a channel. Told again by the same delivery it is the same event, so whoever hears it
    hears it once. `data` is JSON, and for everybody who may hear the channel: ids, rather than words.

    Raises BusAway: the delivery then waits, and no attempt counts."""
    if kind not in EVENT_TYPES:
        raise ValueError(f"{kind} is no event of stoa.wire")
    bus.publish(
        Publication(
            channel=channel,
            id=uuid5(NAMESPACE_OID, f"{delivery_key()} {channel} {kind}"),
            type=kind,
            at=isoformat(utc_now()),
            request_id=context.current().request_id,
            data=dict(data),
        )
    )


def close_sockets(*, user_id: UUID, session_ids: Iterable[UUID]) -> None:
    """Of these sessions, with 3503. May be said again. Raises BusAway."""
    for session_id in session_ids:
        bus.command(Revoke(user_id=user_id, session_id=session_id))


def end_subscription(*, user_id: UUID, channel: str) -> None:
    """Take the channel from all of a person's sockets. May be said again. Raises BusAway."""
    bus.command(EndSubscription(user_id=user_id, channel=channel))
