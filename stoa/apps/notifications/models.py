"""Facts told to people."""

from typing import Self
from uuid import UUID

from django.db import models

from stoa.apps.notifications.domain import Kind
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_uuid


class NotificationQuerySet(models.QuerySet["Notification"]):
    def of(self, user_id: UUID) -> Self:
        return self.filter(user_id=user_id)

    def unread(self) -> Self:
        return self.filter(read_at=None)


class Notification(models.Model):
    """One fact told to one person."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    user_id = models.UUIDField(editable=False)
    about_user_id = models.UUIDField(null=True, blank=True, editable=False)
    """Another person, whose name is among the words: erased, the name goes."""
    kind = models.CharField(max_length=40, choices=[(kind.value, kind.value) for kind in Kind])
    data = models.JSONField(default=dict, help_text="Ids and words of the moment; never an e-mail.")
    dedupe_key = models.CharField(max_length=120)
    """Names the fact: a second delivery of its event finds it told."""
    created_at = models.DateTimeField(default=utc_now, editable=False)
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        db_table = "notifications_notification"
        constraints = (
            models.UniqueConstraint(fields=["user_id", "dedupe_key"], name="notifications_told_once"),
            models.CheckConstraint(
                condition=models.Q(kind__in=[kind.value for kind in Kind]), name="notifications_kind_known"
            ),
        )
        indexes = (
            models.Index(fields=["user_id", "-created_at", "-id"], name="notifications_of_user"),
            models.Index(
                fields=["about_user_id"],
                name="notifications_about",
                condition=models.Q(about_user_id__isnull=False),
            ),
            models.Index(
                fields=["user_id", "-created_at", "-id"],
                name="notifications_unread",
                condition=models.Q(read_at__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
