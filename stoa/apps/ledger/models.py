"""Books, accounts, the journal, balances, holds, periods and seals.

What must never be wrong is kept by triggers and constraints in the database (services/rules), so every table here can
be read by anything and written by nothing but what the ledger's services say. A book's id is its organization's."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from stoa.apps.ledger.contracts import AccountType
from stoa.apps.ledger.domain import LONGEST_KEY, MOST_SCALE, MOST_TURNOVER
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_uuid
from stoa.kit.money import MAX_MINOR
from stoa.platform.db.tenant import TenantModel, TenantRows

SIDES = ((1, "debit"), (-1, "credit"))
TYPES = [(each.value, each.value) for each in AccountType]


class BookRow(TenantModel):
    """Of one book."""

    tenant_field: ClassVar[str] = "book_id"

    class Meta(TenantModel.Meta):
        abstract = True


class Book(models.Model):
    """One organization's books, or the platform's own."""

    id = models.UUIDField(primary_key=True, editable=False)
    currency = models.CharField(max_length=3, help_text="ISO 4217: of the accounts that are seeded.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "ledger_book"

    def __str__(self) -> str:
        return str(self.pk)


class Account(BookRow):
    """An account holds one currency. Its balance stands in `Balance`, made with it by a trigger."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="+", db_index=False)
    code = models.CharField(max_length=32)
    name = models.CharField(max_length=120)
    type = models.CharField(max_length=9, choices=TYPES)
    normal = models.SmallIntegerField(choices=SIDES, help_text="The side on which it grows.")
    currency = models.CharField(max_length=3)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=40, blank=True, help_text="What the house knows it by; empty: the owner's own.")
    owner = models.CharField(max_length=40, blank=True, help_text="The app whose kinds alone may post here.")
    floor_minor = models.BigIntegerField(null=True, blank=True, help_text="Least available balance; empty: none.")
    is_open = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = TenantRows["Account"]()

    class Meta(BookRow.Meta):
        db_table = "ledger_account"
        constraints = (
            models.UniqueConstraint(fields=["book", "code"], name="ledger_account_code"),
            models.UniqueConstraint(
                fields=["book", "role", "currency"], condition=~models.Q(role=""), name="ledger_account_role"
            ),
            models.CheckConstraint(condition=models.Q(normal__in=[1, -1]), name="ledger_account_normal"),
            models.CheckConstraint(
                condition=models.Q(type__in=[each.value for each in AccountType]), name="ledger_account_type"
            ),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Balance(BookRow):
    """The sum of an account's lines, and what is held of it. Written by triggers alone.

    Never below its floor: a CHECK on PostgreSQL (migration 0002), where a statement's lines are summed before they are
    counted; on SQLite, which counts line by line, the entry's trigger asks when all of them are in."""

    account = models.OneToOneField(Account, primary_key=True, on_delete=models.PROTECT, related_name="balance")
    book_id = models.UUIDField()
    normal = models.SmallIntegerField()
    debit_minor = models.BigIntegerField(default=0)
    credit_minor = models.BigIntegerField(default=0)
    held_minor = models.BigIntegerField(default=0)
    floor_minor = models.BigIntegerField(null=True)
    last_line = models.BigIntegerField(default=0)
    """SQLite only: the last line that is in it, by which its trigger knows a forged write."""

    objects = TenantRows["Balance"]()

    class Meta(BookRow.Meta):
        db_table = "ledger_balance"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(debit_minor__gte=0, credit_minor__gte=0, held_minor__gte=0),
                name="ledger_balance_signs",
            ),
            models.CheckConstraint(
                condition=models.Q(debit_minor__lte=MOST_TURNOVER, credit_minor__lte=MOST_TURNOVER),
                name="ledger_balance_size",
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def posted_minor(self) -> int:
        return (self.debit_minor - self.credit_minor) * self.normal

    @property
    def available_minor(self) -> int:
        return self.posted_minor - self.held_minor


class Entry(BookRow):
    """One posted journal entry. Never changed, never removed."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    # No constraint in the database: each posting would lock the one row of its book for a moment. The entry's trigger
    # demands accounts of this book, whose book is there.
    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    kind = models.CharField(max_length=60)
    key = models.CharField(max_length=LONGEST_KEY)
    effective_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    """The database's clock."""
    description = models.CharField(max_length=500, blank=True)
    reference_type = models.CharField(max_length=40, blank=True)
    reference_id = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    reverses = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="reversed_by")
    line_count = models.SmallIntegerField()
    digest = models.BinaryField(max_length=32)

    objects = TenantRows["Entry"]()

    class Meta(BookRow.Meta):
        db_table = "ledger_entry"
        verbose_name_plural = "entries"
        constraints = (models.UniqueConstraint(fields=["book", "key"], name="ledger_entry_key"),)
        indexes = (
            models.Index(fields=["book", "-effective_at", "-id"], name="ledger_entry_newest"),
            models.Index(fields=["request_id"], condition=~models.Q(request_id=""), name="ledger_entry_request"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Line(BookRow):
    """One debit or credit. Inserted before its entry, whose trigger then judges the whole."""

    tenant_field: ClassVar[str] = "account__book_id"

    id = models.BigAutoField(primary_key=True)
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="lines")
    # Nor here: the entry's trigger looks at every account, and no account is ever deleted.
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    side = models.SmallIntegerField(choices=SIDES)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    memo = models.CharField(max_length=200, blank=True)

    objects = TenantRows["Line"]()

    class Meta(BookRow.Meta):
        db_table = "ledger_line"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(amount_minor__gt=0, amount_minor__lte=MAX_MINOR), name="ledger_line_amount"
            ),
            models.CheckConstraint(condition=models.Q(side__in=[1, -1]), name="ledger_line_side"),
        )

    def __str__(self) -> str:
        return f"line {self.pk}"


class HoldState(models.TextChoices):
    PENDING = "pending"
    POSTED = "posted"
    VOIDED = "voided"
    EXPIRED = "expired"


class Hold(BookRow):
    """Part of a balance that is promised: available is posted less held. Resolved once."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    book_id = models.UUIDField()
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=LONGEST_KEY)
    amount_minor = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=HoldState.choices, default=HoldState.PENDING)
    expires_at = models.DateTimeField()
    entry = models.ForeignKey(Entry, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = TenantRows["Hold"]()

    class Meta(BookRow.Meta):
        db_table = "ledger_hold"
        constraints = (
            models.UniqueConstraint(fields=["book_id", "key"], name="ledger_hold_key"),
            models.CheckConstraint(condition=models.Q(amount_minor__gt=0), name="ledger_hold_amount"),
            models.CheckConstraint(condition=models.Q(state__in=HoldState.values), name="ledger_hold_state"),
        )
        indexes = (models.Index(fields=["expires_at"], condition=models.Q(state="pending"), name="ledger_hold_due"),)

    def __str__(self) -> str:
        return str(self.pk)


class Period(BookRow):
    """A span of effective time, from `starts_at` up to but without `ends_at`, that may be closed."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=40)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    is_closed = models.BooleanField(default=False)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=utc_now, editable=False)

    objects = TenantRows["Period"]()

    class Meta(BookRow.Meta):
        db_table = "ledger_period"
        constraints = (
            models.CheckConstraint(condition=models.Q(starts_at__lt=models.F("ends_at")), name="ledger_period_forward"),
            models.UniqueConstraint(fields=["book", "starts_at"], name="ledger_period_once"),
        )

    def __str__(self) -> str:
        return self.name


class Unsealed(BookRow):
    """An entry that waits for its place in the chain. Written by the entry's trigger, taken away by the sealer."""

    entry_id = models.UUIDField(primary_key=True)
    book_id = models.UUIDField()

    objects = TenantRows["Unsealed"]()

    class Meta(BookRow.Meta):
        db_table = "ledger_unsealed"

    def __str__(self) -> str:
        return str(self.pk)


class Seal(BookRow):
    """An entry's place in its book's chain. `seq` has no gap."""

    id = models.BigAutoField(primary_key=True)
    book_id = models.UUIDField()
    seq = models.BigIntegerField()
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="seal")
    hash = models.BinaryField(max_length=32)

    objects = TenantRows["Seal"]()

    class Meta(BookRow.Meta):
        db_table = "ledger_seal"
        constraints = (models.UniqueConstraint(fields=["book_id", "seq"], name="ledger_seal_seq"),)

    def __str__(self) -> str:
        return str(self.seq)


class Checkpoint(BookRow):
    """Says that `DayTurnover` holds a book's entries from number `sealed_after` (without) to `sealed_to`.

    The intervals follow on each other: 0 to 10, 10 to 25. What has no number yet, or a later one, is not in it, whenever
    its transaction began. Its insert counts the lines, in the database."""

    id = models.BigAutoField(primary_key=True)
    book_id = models.UUIDField()
    sealed_after = models.BigIntegerField()
    sealed_to = models.BigIntegerField()
    made_at = models.DateTimeField(db_default=Now(), editable=False)
    is_counting = models.BooleanField(default=True)
    """SQLite only: while its trigger counts. False in every row that was committed."""

    objects = TenantRows["Checkpoint"]()

    class Meta(BookRow.Meta):
        db_table = "ledger_checkpoint"
        constraints = (
            models.UniqueConstraint(fields=["book_id", "sealed_after"], name="ledger_checkpoint_follows"),
            models.UniqueConstraint(fields=["book_id", "sealed_to"], name="ledger_checkpoint_once"),
            models.CheckConstraint(
                condition=models.Q(sealed_to__gt=models.F("sealed_after")), name="ledger_checkpoint_on"
            ),
        )

    def __str__(self) -> str:
        return str(self.sealed_to)


class DayTurnover(BookRow):
    """What one checkpoint's entries moved on an account, effective on one day (UTC). Written by triggers alone.

    The balance before a day is the sum of all days before it, so that an entry which is effective earlier than it is
    posted adds a row to its own day and makes no other one wrong."""

    id = models.BigAutoField(primary_key=True)
    book_id = models.UUIDField()
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    day = models.DateField()
    sealed_to = models.BigIntegerField()
    debit_minor = models.BigIntegerField()
    credit_minor = models.BigIntegerField()

    objects = TenantRows["DayTurnover"]()

    class Meta(BookRow.Meta):
        db_table = "ledger_day_turnover"
        constraints = (
            models.UniqueConstraint(fields=["account", "day", "sealed_to"], name="ledger_day_turnover_once"),
        )
        indexes = (models.Index(fields=["book_id", "day"], name="ledger_day_turnover_day"),)

    def __str__(self) -> str:
        return f"{self.day}"


class Quarantined(BookRow):
    """A record that failed a check, or that somebody set aside: it stays where it is, and reports name it.

    Written once; only its cure is filled in later, once."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=40, help_text="The check that it failed, or `by_hand`.")
    subject = models.CharField(max_length=64, help_text="Id of an entry, an account, a hold or a line.")
    # No constraint: the entry may be what is missing or broken.
    entry_id = models.UUIDField(null=True, blank=True)
    told = models.CharField(max_length=300)
    reason = models.CharField(max_length=500, blank=True)
    quarantined_by = models.UUIDField(null=True, blank=True, help_text="Empty: the hourly check.")
    quarantined_at = models.DateTimeField(db_default=Now(), editable=False)
    approval_id = models.UUIDField(null=True, blank=True, help_text="Where a second person was asked last.")
    cure = models.OneToOneField(Entry, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    cure_reason = models.CharField(max_length=500, blank=True)
    cured_by = models.UUIDField(null=True, blank=True)
    cured_at = models.DateTimeField(null=True, blank=True)
    cured_digest = models.BinaryField(max_length=32, null=True, editable=False)
    """Of the entry as it was found then: if it changes again, the cure was of something else."""

    objects = TenantRows["Quarantined"]()

    class Meta(BookRow.Meta):
        db_table = "ledger_quarantine"
        verbose_name = "quarantined record"
        constraints = (
            models.UniqueConstraint(fields=["book", "kind", "subject"], name="ledger_quarantine_once"),
            models.CheckConstraint(
                condition=models.Q(cure=None, cured_at=None, cured_by=None, cure_reason="")
                | (
                    models.Q(cure__isnull=False, cured_at__isnull=False, cured_by__isnull=False)
                    & ~models.Q(cure_reason="")
                ),
                name="ledger_quarantine_cure",
            ),
        )
        indexes = (models.Index(fields=["book", "entry_id"], name="ledger_quarantine_entry"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class Rate(BookRow):
    """What one unit of `base` is in `quote` from an instant on, until the next one: `mantissa` / 10^`scale`, exactly."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="+", db_index=False)
    base = models.CharField(max_length=3)
    quote = models.CharField(max_length=3)
    mantissa = models.BigIntegerField()
    scale = models.SmallIntegerField()
    at = models.DateTimeField()
    source = models.CharField(max_length=120, blank=True, help_text="Who says so.")
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = TenantRows["Rate"]()

    class Meta(BookRow.Meta):
        db_table = "ledger_rate"
        constraints = (
            models.UniqueConstraint(fields=["book", "base", "quote", "at"], name="ledger_rate_once"),
            models.CheckConstraint(
                condition=models.Q(mantissa__gt=0, mantissa__lte=MAX_MINOR, scale__gte=0, scale__lte=MOST_SCALE),
                name="ledger_rate_size",
            ),
            models.CheckConstraint(condition=~models.Q(base=models.F("quote")), name="ledger_rate_pair"),
        )

    def __str__(self) -> str:
        return f"{self.base}/{self.quote}"


class ReportState(models.TextChoices):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class ReportJob(BookRow):
    """A report that is written to a file in the background, as the books were known when it was asked for."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=LONGEST_KEY)
    report = models.CharField(max_length=40)
    form = models.CharField(max_length=4)
    parameters = models.JSONField(default=dict)
    state = models.CharField(max_length=7, choices=ReportState.choices, default=ReportState.WAITING)
    rows_done = models.BigIntegerField(default=0)
    rows_total = models.BigIntegerField(null=True, blank=True)
    size_bytes = models.BigIntegerField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    failure = models.CharField(max_length=60, blank=True)
    asked_by = models.UUIDField()
    asked_at = models.DateTimeField(default=utc_now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()

    objects = TenantRows["ReportJob"]()

    class Meta(BookRow.Meta):
        db_table = "ledger_report_job"
        constraints = (
            models.UniqueConstraint(fields=["book", "key"], name="ledger_report_job_key"),
            models.CheckConstraint(condition=models.Q(state__in=ReportState.values), name="ledger_report_job_state"),
        )
        indexes = (models.Index(fields=["expires_at"], name="ledger_report_job_expires"),)

    def __str__(self) -> str:
        return f"{self.report}.{self.form}"
