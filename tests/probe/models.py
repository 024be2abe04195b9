from django.db import models

from stoa.kit.clock import utc_now
from stoa.kit.ids import new_uuid
from stoa.platform.db.encrypted_fields import EncryptedJSON, EncryptedText


class Note(models.Model):
    id = models.UUIDField(primary_key=True, default=new_uuid)
    title = models.CharField(max_length=100)
    owner_id = models.UUIDField()
    amount_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, default="USD")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=utc_now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["owner_id", "title"], name="probe_note_title_once"),)

    def __str__(self) -> str:
        return self.title


class Secretive(models.Model):
    id = models.UUIDField(primary_key=True, default=new_uuid)
    title = models.CharField(max_length=100)
    whisper = EncryptedText(null=True)
    facts = EncryptedJSON(null=True)

    def __str__(self) -> str:
        return self.title
