"""One row a flag."""

from django.db import models

from stoa.kit.clock import utc_now


class FeatureFlag(models.Model):
    """What the database says of a flag. Written by services only: they move `revision`, which other processes watch."""

    name = models.CharField(max_length=63, primary_key=True)
    description = models.TextField(blank=True)
    enabled = models.BooleanField(null=True, help_text="Unknown: as declared in code.")
    percent = models.PositiveSmallIntegerField(default=0, help_text="Of everybody, by a stable hash.")
    users = models.JSONField(default=list, blank=True)
    groups = models.JSONField(default=list, blank=True)
    orgs = models.JSONField(default=list, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    owner = models.CharField(max_length=120, blank=True)
    revision = models.BigIntegerField(default=0, editable=False)
    """Rises with every write, from the milliseconds of the clock: the sum over all rows tells that one changed."""
    at_one_value_since = models.DateTimeField(null=True, default=utc_now, editable=False)
    """Since when everybody gets the same answer; null while it differs from one to another."""
    last_read_at = models.DateTimeField(null=True, editable=False)
    """To about a minute: processes write it in the background, and not with each evaluation."""
    created_at = models.DateTimeField(default=utc_now, editable=False)
    updated_at = models.DateTimeField(default=utc_now, editable=False)

    class Meta:
        db_table = "flags_flag"
        constraints = (models.CheckConstraint(condition=models.Q(percent__lte=100), name="flags_flag_percent"),)

    def __str__(self) -> str:
        return self.name
