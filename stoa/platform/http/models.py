"""The one table of platform/http: what was answered under an Idempotency-Key."""

from django.db import models

from stoa.kit.clock import utc_now


class IdempotencyRecord(models.Model):
    """Written in the transaction of the effect it stands for, so that neither exists without the other."""

    scope = models.CharField(max_length=64, unique=True)
    """SHA-256 over user, organization, method, path, query and key: of fixed length, and it reveals none of them."""
    fingerprint = models.CharField(max_length=64)
    """HMAC of the body, not a bare hash: short bodies could be guessed from that."""
    status = models.PositiveSmallIntegerField()
    message = models.CharField(max_length=200)
    data = models.BinaryField()
    """`data` as JSON; the meta of a replay is fresh."""
    created_at = models.DateTimeField(default=utc_now, db_index=True)

    class Meta:
        db_table = "http_idempotency"

    def __str__(self) -> str:
        return f"{self.scope[:12]} {self.status}"
