"""The trail: what is said of an act for ever, what may be erased, and the chain over it.

Every table refuses UPDATE, DELETE and TRUNCATE (platform/db/triggers); a row in `audit_permit`, which exists only
inside the transaction of retention or erasure, lets DELETE pass.
"""

from django.db import models

from stoa.platform.db.triggers import declare_append_only


class Severity(models.TextChoices):
    INFO = "info"
    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"


class AuditRecord(models.Model):
    """One act. Ids and words of ours only; what may hold personal data is in the detail, and here as its digest."""

    at = models.DateTimeField()
    action = models.CharField(max_length=100)
    actor_id = models.CharField(max_length=64, blank=True)
    object_type = models.CharField(max_length=64, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    org_id = models.CharField(max_length=64, blank=True)
    severity = models.CharField(max_length=8, choices=Severity.choices, default=Severity.INFO)
    request_id = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    """SHA-256 of the detail's salt and payload; empty where the act had no detail."""

    class Meta:
        db_table = "audit_record"
        indexes = (
            models.Index(fields=["actor_id", "id"], name="audit_record_of_actor"),
            models.Index(fields=["object_type", "object_id", "id"], name="audit_record_of_object"),
            models.Index(fields=["action", "id"], name="audit_record_of_action"),
            models.Index(fields=["at", "id"], name="audit_record_in_time"),
            # Not db_index: that makes a second one on PostgreSQL, for LIKE, which nobody asks.
            models.Index(fields=["request_id"], name="audit_record_of_request"),
            # Grave acts are rare: their index costs the others nothing.
            models.Index(
                fields=["severity", "at", "id"],
                condition=models.Q(severity__in=["warning", "critical"]),
                name="audit_record_grave",
            ),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.pk}"


class AuditDetail(models.Model):
    """Address, agent, before and after of one act, masked. Retention and erasure delete it; nothing changes it."""

    # No constraint in the database: it costs a lookup for each act, and both rows come and go by one statement.
    record = models.OneToOneField(
        AuditRecord, on_delete=models.DO_NOTHING, db_constraint=False, primary_key=True, related_name="detail"
    )
    salt = models.CharField(max_length=32)
    """Gone with the payload, so that the digest that stays cannot be guessed at."""
    payload = models.TextField()

    class Meta:
        db_table = "audit_detail"

    def __str__(self) -> str:
        return str(self.pk)


class AuditPending(models.Model):
    """A committed act that waits for the sealer. Claimed by being here, never by "id greater than the last": a
    transaction may commit late with a smaller id."""

    record_id = models.BigIntegerField(primary_key=True)

    class Meta:
        db_table = "audit_pending"

    def __str__(self) -> str:
        return str(self.pk)


class AuditSeal(models.Model):
    """The place of one act in the chain: its number and the HMAC over it and the one before."""

    seq = models.BigIntegerField(primary_key=True)
    record_id = models.BigIntegerField(unique=True)
    mac = models.CharField(max_length=64)

    class Meta:
        db_table = "audit_seal"

    def __str__(self) -> str:
        return str(self.pk)


class AuditSegment(models.Model):
    """What one pass of the sealer sealed; retention deletes whole ones."""

    first_seq = models.BigIntegerField(unique=True)
    last_seq = models.BigIntegerField(unique=True)
    mac = models.CharField(max_length=64)
    """Of its last row."""
    key_id = models.CharField(max_length=16)
    newest_at = models.DateTimeField()
    sealed_at = models.DateTimeField()

    class Meta:
        db_table = "audit_segment"

    def __str__(self) -> str:
        return f"{self.first_seq}-{self.last_seq}"


class AuditPurge(models.Model):
    """Retention's signed word that everything up to `to_seq` was deleted by it, and the mac to go on from."""

    to_seq = models.BigIntegerField(primary_key=True)
    mac = models.CharField(max_length=64)
    key_id = models.CharField(max_length=16)
    purged_at = models.DateTimeField()
    signature = models.CharField(max_length=64)

    class Meta:
        db_table = "audit_purge"

    def __str__(self) -> str:
        return str(self.pk)


class AuditPermit(models.Model):
    """Never a committed row."""

    why = models.CharField(max_length=20)

    class Meta:
        db_table = "audit_permit"

    def __str__(self) -> str:
        return self.why


for _table in ("audit_record", "audit_detail", "audit_seal", "audit_segment"):
    declare_append_only(_table, permit="audit_permit")
declare_append_only("audit_purge")
