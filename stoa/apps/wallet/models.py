"""Which account of the ledger is whose wallet, and what the ledger cannot know of it."""

from django.db import models

from stoa.kit.clock import utc_now
from stoa.kit.ids import new_uuid


class Wallet(models.Model):
    """Of a person; of nobody once they are erased: the account and its entries stay."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    user_id = models.UUIDField(null=True, unique=True)
    account_id = models.UUIDField(unique=True)
    is_suspended = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=utc_now, editable=False)

    class Meta:
        db_table = "wallet_wallet"

    def __str__(self) -> str:
        return str(self.pk)


class Spend(models.Model):
    """A spend, and how much of it was refunded. Its row is the lock of its refunds."""

    entry_id = models.UUIDField(primary_key=True)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="+")
    amount_minor = models.BigIntegerField()
    refunded_minor = models.BigIntegerField(default=0)

    class Meta:
        db_table = "wallet_spend"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(refunded_minor__gte=0, refunded_minor__lte=models.F("amount_minor")),
                name="wallet_spend_refunded",
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)


class CoinHold(models.Model):
    """Coins of a wallet that are promised. The hold itself is the ledger's, which also lets it expire."""

    hold_id = models.UUIDField(primary_key=True)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="+")
    amount_minor = models.BigIntegerField()
    captured_minor = models.BigIntegerField(default=0)
    entry_id = models.UUIDField(null=True, unique=True)
    expires_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "wallet_hold"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(captured_minor__gte=0, captured_minor__lte=models.F("amount_minor")),
                name="wallet_hold_captured",
            ),
            models.CheckConstraint(
                condition=models.Q(entry_id=None, captured_minor=0)
                | models.Q(entry_id__isnull=False, captured_minor__gt=0, released_at=None),
                name="wallet_hold_once",
            ),
        )
        indexes = (
            models.Index(
                fields=["expires_at"],
                condition=models.Q(entry_id=None, released_at=None),
                name="wallet_hold_live",
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)


class Snapshot(models.Model):
    """All balances at the end of a month, as one hash."""

    month = models.CharField(max_length=7, unique=True)
    wallets = models.PositiveIntegerField()
    total_minor = models.BigIntegerField()
    hash = models.CharField(max_length=64)
    sealed_to = models.BigIntegerField()
    taken_at = models.DateTimeField(default=utc_now, editable=False)

    class Meta:
        db_table = "wallet_snapshot"

    def __str__(self) -> str:
        return self.month
