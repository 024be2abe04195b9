"""Events, and one row per event and subscriber."""

from django.db import models

from stoa.kit.clock import utc_now
from stoa.platform.db.triggers import declare_function


class OutboxEvent(models.Model):
    """A published fact. Its id is the order of publication among events of one key; `uid` is its name elsewhere.

    Each index costs every write of the house a page at its commit, so there are two: `uid`, a UUIDv7, needs none to be
    unique, and whoever asks by time walks the ids, which are nearly in that order."""

    uid = models.UUIDField()
    name = models.CharField(max_length=100)
    version = models.PositiveSmallIntegerField()
    key = models.CharField(max_length=100, blank=True)
    payload = models.TextField()
    """JSON as it was published: read with the class of its name and version, never rewritten."""
    request_id = models.CharField(max_length=64, blank=True)
    occurred_at = models.DateTimeField()
    expanded_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "outbox_event"
        indexes = (
            models.Index(fields=["id"], condition=models.Q(expanded_at=None), name="outbox_event_unexpanded"),
            # Not db_index: that makes a second one on PostgreSQL, for LIKE, which nobody asks.
            models.Index(fields=["request_id"], name="outbox_event_request"),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.uid}"


class DeliveryState(models.TextChoices):
    PENDING = "pending"
    DONE = "done"
    PARKED = "parked"


class OutboxDelivery(models.Model):
    """One subscriber's share of one event.

    Claiming sets `lease` and moves `due_at` to the lease's end, so that a row whose worker died is due again by
    itself. Only the holder of the lease may finish the row."""

    event = models.ForeignKey(OutboxEvent, on_delete=models.CASCADE, related_name="+", db_index=False)
    """Indexed by the constraint below."""
    subscriber = models.CharField(max_length=100)
    ordered_key = models.CharField(max_length=100, blank=True)
    """The event's key where the subscriber asks for order, else empty."""
    state = models.CharField(max_length=8, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=utc_now)
    lease = models.UUIDField(null=True)
    error = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "outbox_delivery"
        verbose_name_plural = "outbox deliveries"
        constraints = (models.UniqueConstraint(fields=["event", "subscriber"], name="outbox_delivery_once"),)
        # SQLite uses a partial index only for a query that repeats its condition word by word.
        indexes = (
            models.Index(fields=["due_at", "id"], condition=models.Q(state="pending"), name="outbox_delivery_due"),
            models.Index(
                fields=["subscriber", "ordered_key", "event"],
                condition=models.Q(state__in=["pending", "parked"], ordered_key__gt=""),
                name="outbox_delivery_order",
            ),
            models.Index(fields=["id"], condition=models.Q(state="parked"), name="outbox_delivery_parked"),
        )

    def __str__(self) -> str:
        return f"{self.subscriber} {self.state}"


declare_function(
    "outbox_publish_v1",
    """CREATE OR REPLACE FUNCTION outbox_publish_v1(
  p_name text, p_version integer, p_request_id text, p_uids uuid[], p_payloads text[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO outbox_event (uid, name, version, key, payload, request_id, occurred_at)
    SELECT event.uid, p_name, p_version, '', event.payload, p_request_id, clock_timestamp()
    FROM unnest(p_uids, p_payloads) AS event (uid, payload);
END $$""",
    table="outbox_event",
)
"""For functions of apps that write rows and their events in one round trip; `publish` is for everybody else."""
