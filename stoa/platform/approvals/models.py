"""One row an ask."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from stoa.kit.ids import new_uuid
from stoa.platform.db.tenant import TenantModel, TenantRows


class ApprovalState(models.TextChoices):
    WAITING = "waiting"
    GRANTED = "granted"
    REFUSED = "refused"


class Approval(TenantModel):
    """Decided once, by somebody else than who asked. Never removed."""

    tenant_field: ClassVar[str] = "org_id"

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    org_id = models.UUIDField()
    action = models.CharField(max_length=60, help_text="Whose executor is called: `<app>.<verb>`.")
    subject = models.CharField(max_length=64, help_text="Id of what it is about.")
    told = models.CharField(max_length=500)
    reason = models.CharField(max_length=500)
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=7, choices=ApprovalState.choices, default=ApprovalState.WAITING)
    asked_by = models.UUIDField()
    asked_at = models.DateTimeField(db_default=Now(), editable=False)
    decided_by = models.UUIDField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = TenantRows["Approval"]()

    class Meta(TenantModel.Meta):
        db_table = "approvals_approval"
        constraints = (
            models.CheckConstraint(condition=models.Q(state__in=ApprovalState.values), name="approvals_state"),
            models.CheckConstraint(
                condition=models.Q(decided_by=None) | ~models.Q(decided_by=models.F("asked_by")),
                name="approvals_somebody_else",
            ),
            models.CheckConstraint(
                condition=models.Q(state="waiting", decided_by=None, decided_at=None)
                | (~models.Q(state="waiting") & models.Q(decided_by__isnull=False, decided_at__isnull=False)),
                name="approvals_decided_by_whom",
            ),
            models.UniqueConstraint(
                fields=["org_id", "action", "subject"],
                condition=models.Q(state="waiting"),
                name="approvals_one_waiting",
            ),
        )
        indexes = (models.Index(fields=["org_id", "-id"], name="approvals_newest"),)

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"
