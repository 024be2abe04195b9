"""Schedules, and the processes that keep them."""

from django.db import models

from stoa.kit.clock import utc_now


class Sweep(models.Model):
    """The schedule of one sweep. Code says how often; the row says when next, who is at it, and how it went.

    `lease` and `lease_until` are set while somebody runs it; only the holder of the lease may note the end."""

    name = models.CharField(max_length=100, primary_key=True)
    every_s = models.PositiveIntegerField()
    enabled = models.BooleanField(default=True)
    next_at = models.DateTimeField(default=utc_now)
    lease = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True)
    last_started_at = models.DateTimeField(null=True)
    last_ended_at = models.DateTimeField(null=True)
    last_count = models.PositiveIntegerField(default=0)
    """Rows done by the last run that ended well."""
    fresh_at = models.DateTimeField(default=utc_now)
    """When it last ended well, or when this row was made: staleness counts from here."""
    failures = models.PositiveIntegerField(default=0)
    """In a row; 0 after a run that ended well."""
    last_error = models.TextField(blank=True)

    class Meta:
        db_table = "sweeps_sweep"
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Heartbeat(models.Model):
    """A process that works in the background, and when it last said so.

    Slots are the smallest free numbers of a role: they name a process without its host, and a restart reuses one."""

    process = models.UUIDField(unique=True, editable=False)
    role = models.CharField(max_length=16)
    slot = models.PositiveSmallIntegerField()
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()

    class Meta:
        db_table = "sweeps_heartbeat"
        constraints = (models.UniqueConstraint(fields=["role", "slot"], name="sweeps_heartbeat_slot"),)

    def __str__(self) -> str:
        return f"{self.role} {self.slot}"
