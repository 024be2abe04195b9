"""Celery carries batches of delivery ids to the same deliver() that the local worker calls."""

from uuid import UUID

from celery import shared_task

from stoa.platform.db.transactions import refuse_in_transaction
from stoa.platform.outbox.delivering import deliver
from stoa.platform.outbox.keeping import sweep_done
from stoa.platform.outbox.leasing import give_back, handed_over_for_s, take_over
from stoa.platform.outbox.statements import Lease
from stoa.platform.sweeps.registry import sweep
from stoa.runtime.pause_points import pause_point

QUEUE = "outbox"
_ONE_MORE_TRY = {"max_retries": 1, "interval_start": 0}
"""A pooled connection may be stale; whether the broker is there at all shows at the second try."""


class BrokerAway(Exception):
    """The batch could not be sent; its deliveries are due again."""


@shared_task(name="stoa.platform.outbox.tasks.deliver_batch", ignore_result=True)  # type: ignore[untyped-decorator]
def deliver_batch(lease: str, ids: list[int]) -> None:
    """Safe to run twice: whoever takes the lease over has it alone. What fails is kept on its row, not by Celery."""
    ours = take_over(Lease(UUID(lease), tuple(ids)))
    pause_point("outbox.taken_over")
    if ours is not None:
        deliver(ours)


def hand_over(lease: Lease) -> None:
    """Send the batch. Raises BrokerAway and gives the lease back when the broker does not take it."""
    refuse_in_transaction("a task message")
    pause_point("outbox.before_hand_over")
    try:
        deliver_batch.apply_async(
            args=[str(lease.id), list(lease.ids)],
            queue=QUEUE,
            retry_policy=_ONE_MORE_TRY,
            # Once its lease is over a message is worth nothing: RabbitMQ drops it by itself, and a backlog of such
            # does not keep workers from what is due. Redis has no such thing; there a worker finds the lease gone.
            expiration=handed_over_for_s(),
        )
    except Exception as error:  # a runner: each broker's client raises errors of its own
        give_back(lease)
        raise BrokerAway from error
    pause_point("outbox.handed_over")


@sweep("outbox.done", every_s=300)
def done_events(limit: int) -> int:
    return sweep_done(limit)
