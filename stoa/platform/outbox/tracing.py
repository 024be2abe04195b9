"""What the outbox knows of a request id: what was published under it, and how each delivery went."""

from stoa.platform.observability.contracts import MOST, TraceLine
from stoa.platform.outbox.models import DeliveryState, OutboxDelivery, OutboxEvent


def lines_of(request_id: str) -> list[TraceLine]:
    """Two queries. A delivery stands at the time of its end, or of its next attempt."""
    events = OutboxEvent.objects.filter(request_id=request_id).order_by("id")[:MOST]
    told = [
        TraceLine(
            at=event.occurred_at,
            what="event",
            detail=f"{event.name} v{event.version} {event.uid}" + (f" of {event.key}" if event.key else ""),
        )
        for event in events
    ]
    deliveries = OutboxDelivery.objects.filter(event__request_id=request_id).select_related("event").order_by("id")
    return told + [_of_delivery(delivery) for delivery in deliveries[:MOST]]


def _of_delivery(delivery: OutboxDelivery) -> TraceLine:
    times = f"{delivery.attempts} attempt{'s' if delivery.attempts != 1 else ''}"
    detail = f"{delivery.event.name} to {delivery.subscriber}: "
    if delivery.state == DeliveryState.DONE:
        detail += f"done after {times}"
    elif delivery.state == DeliveryState.PARKED:
        detail += f"parked after {times}: {delivery.error}"
    else:
        detail += f"due, {times} so far" + (f": {delivery.error}" if delivery.error else "")
    return TraceLine(at=delivery.done_at or delivery.due_at, what="delivery", detail=detail)
