"""People and their sessions."""

from datetime import datetime
from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

from stoa.apps.accounts.domain import candidate_handles, search_key
from stoa.kit.clock import utc_now
from stoa.kit.email import canonical_email
from stoa.kit.ids import new_uuid
from stoa.platform.db.encrypted_fields import EncryptedJSON, EncryptedText


class People(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=canonical_email(username or ""))

    def create_superuser(self, email: str, password: str | None = None, **fields: str) -> "User":
        """For Django's `createsuperuser`, which asks for e-mail and name: the first staff of an installation."""
        canonical = canonical_email(email)
        suffix = new_uuid().hex[-6:]
        user = User(
            email=canonical,
            handle=next(candidate_handles(canonical, iter([suffix]))),
            is_staff=True,
            is_superuser=True,
            **fields,
        )
        user.set_password(password)
        user.save(using=self._db, force_insert=True)
        return user


class SearchKey(models.CharField):
    """What another field is found by, computed at each save; null where there is nobody to find any more."""

    def __init__(self, *args: Any, of: str = "", **kwargs: Any) -> None:
        self.of = of
        super().__init__(*args, **{"max_length": 520, "null": True, "editable": False, **kwargs})

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "of": self.of}

    def pre_save(self, model_instance: models.Model, add: bool) -> str | None:
        gone = getattr(model_instance, "erased_at", None) is not None
        key = None if gone else search_key(getattr(model_instance, self.of))
        setattr(model_instance, self.attname, key)
        return key


class Privacy(models.TextChoices):
    PUBLIC = "public"
    PRIVATE = "private"


class DmPolicy(models.TextChoices):
    EVERYONE = "everyone"
    FOLLOWED = "followed"
    NOBODY = "nobody"


class Language(models.TextChoices):
    EN = "en"
    RU = "ru"
    KA = "ka"


class User(AbstractBaseUser, PermissionsMixin):
    """One person. `email` is stored in its canonical form.

    Of somebody erased the row stays, with its id alone: others point to it."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    email = models.EmailField(max_length=254, unique=True)
    email_verified_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When somebody showed that they read this address; null again where the address changes."""
    handle = models.CharField(max_length=30, unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    staff_permissions = models.JSONField(
        default=list, blank=True, help_text="`resource:action` words for staff who are not superusers."
    )
    is_demo = models.BooleanField(default=False, help_text="Made by seed_demo; signs in only while DEMO_DATA is on.")
    version = models.PositiveIntegerField(default=1, help_text="Counts edits; the ETag of the profile.")
    created_at = models.DateTimeField(default=utc_now, editable=False)

    bio = models.CharField(max_length=500, blank=True)
    locale = models.CharField(max_length=35, default="en")
    timezone = models.CharField(max_length=64, default="UTC")
    phone = EncryptedText(null=True, blank=True)
    phone_verified_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When somebody showed that they read this number's messages; null again where the number changes."""
    birth = EncryptedJSON(null=True, blank=True)
    """{"date", "time"?, "place"?: {"name", "lat", "lon", "timezone"?}}."""
    handle_key = SearchKey(of="handle")
    name_key = SearchKey(of="name")

    privacy = models.CharField(max_length=10, choices=Privacy.choices, default=Privacy.PUBLIC)
    dm_policy = models.CharField(max_length=10, choices=DmPolicy.choices, default=DmPolicy.EVERYONE)
    language = models.CharField(max_length=2, choices=Language.choices, default=Language.EN)
    push_enabled = models.BooleanField(default=True)
    email_enabled = models.BooleanField(default=True)
    digest_enabled = models.BooleanField(default=False)
    quiet_from = models.TimeField(null=True, blank=True, help_text="In the person's own time zone.")
    quiet_until = models.TimeField(null=True, blank=True)

    erase_at = models.DateTimeField(null=True, blank=True, editable=False)
    """Set while the account is closed and may still be restored."""
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = People()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        db_table = "accounts_user"
        # Unique without regard to case: unique, and only one case can be stored.
        constraints = (
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="accounts_user_email_canonical"),
            models.CheckConstraint(
                condition=models.Q(handle__regex=r"^[a-z0-9_]{3,30}$"), name="accounts_user_handle_form"
            ),
            models.CheckConstraint(condition=models.Q(privacy__in=Privacy.values), name="accounts_user_privacy"),
            models.CheckConstraint(condition=models.Q(dm_policy__in=DmPolicy.values), name="accounts_user_dm_policy"),
            models.CheckConstraint(condition=models.Q(language__in=Language.values), name="accounts_user_language"),
            models.CheckConstraint(
                condition=models.Q(quiet_from=None, quiet_until=None)
                | models.Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="accounts_user_quiet_hours_whole",
            ),
        )
        indexes = (
            models.Index(fields=["-created_at", "-id"], name="accounts_user_newest"),
            models.Index(fields=["handle_key", "id"], name="accounts_user_by_handle"),
            models.Index(fields=["name_key", "id"], name="accounts_user_by_name"),
            models.Index(
                fields=["erase_at"], condition=models.Q(erase_at__isnull=False), name="accounts_user_erase_due"
            ),
        )

    def __str__(self) -> str:
        return self.handle


class SessionQuerySet(models.QuerySet["Session"]):
    def live(self, now: datetime) -> Self:
        """Neither ended nor expired, and of somebody who may still use it."""
        return self.filter(revoked_at=None, expires_at__gt=now, user__is_active=True)


class Session(models.Model):
    """One sign-in. Its id is `sid` in every token made for it; the row is asked on every request."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    refresh_hash = models.CharField(max_length=64, unique=True)
    """SHA-256 of the one refresh token that works now: tokens carry 256 random bits, so no salt is needed."""
    family_hash = models.CharField(max_length=64, blank=True)
    """Of the part that all refresh tokens of this sign-in share: it tells one that was spent from one never ours."""
    agent = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=45, blank=True)
    created_at = models.DateTimeField(default=utc_now, editable=False)
    last_used_at = models.DateTimeField(default=utc_now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        db_table = "accounts_session"
        indexes = (
            models.Index(fields=["user", "-created_at", "-id"], name="accounts_session_of_user"),
            models.Index(fields=["-created_at", "-id"], name="accounts_session_newest"),
            models.Index(fields=["expires_at"], name="accounts_session_expiry"),
        )

    def __str__(self) -> str:
        return str(self.id)


class PushPlatform(models.TextChoices):
    IOS = "ios"
    ANDROID = "android"
    WEB = "web"


class PushDevice(models.Model):
    """Where pushes reach a person. A token is a device, so it belongs to one account at a time: the last that said so."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    platform = models.CharField(max_length=8, choices=PushPlatform.choices)
    token_hash = models.CharField(max_length=64, unique=True)
    """Finds the row; the token itself is encrypted: whoever has it can push to the device."""
    token = EncryptedText()
    name = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(default=utc_now, editable=False)
    seen_at = models.DateTimeField(default=utc_now)

    class Meta:
        db_table = "accounts_push_device"
        indexes = (models.Index(fields=["user", "-created_at", "-id"], name="accounts_device_of_user"),)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(platform__in=PushPlatform.values), name="accounts_device_platform"
            ),
        )

    def __str__(self) -> str:
        return str(self.id)


class Errand(models.TextChoices):
    """What a mailed secret lets its bearer do; also its purpose in the HMAC."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - a word, no password
    CHANGE_EMAIL = "change_email"


class MailedSecret(models.Model):
    """A secret that was asked for. The secret itself is computed by whoever sends it and stored nowhere.

    `user` is null for one asked for an address that is nobody's: it costs the same work, and nothing is sent."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    errand = models.CharField(max_length=16, choices=Errand.choices)
    nonce = models.CharField(max_length=32)
    secret_hash = models.CharField(max_length=64)
    address_hash = models.CharField(max_length=64)
    """Of the person's own address when it was asked for: once they have another, it is void."""
    new_email = EncryptedText(null=True)
    """Of CHANGE_EMAIL: where it goes to, and what the address is to be."""
    created_at = models.DateTimeField(default=utc_now, editable=False)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)
    """Also of one that was made void."""

    class Meta:
        db_table = "accounts_mailed_secret"
        indexes = (models.Index(fields=["user", "errand", "created_at"], name="accounts_secret_of_user"),)
        constraints = (
            models.CheckConstraint(condition=models.Q(errand__in=Errand.values), name="accounts_secret_errand"),
        )

    def __str__(self) -> str:
        return str(self.id)


class CodePurpose(models.TextChoices):
    """What a one-time code lets its bearer do; also its purpose in the HMAC."""

    SIGN_IN = "sign_in"
    VERIFY_PHONE = "verify_phone"


class CodeWay(models.TextChoices):
    EMAIL = "email"
    SMS = "sms"


class OneTimeCode(models.Model):
    """Six digits that were asked for. The digits themselves are computed by whoever sends them and stored nowhere.

    `user` is null for one asked for a name that is nobody's: it costs the same work, and nothing is sent."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    purpose = models.CharField(max_length=16, choices=CodePurpose.choices)
    way = models.CharField(max_length=8, choices=CodeWay.choices)
    account = models.CharField(max_length=64)
    """Whose guesses at it count for the lockout, as in SignInAttempt: nobody's are told apart by nothing."""
    nonce = models.CharField(max_length=32)
    code_hash = models.CharField(max_length=64)
    """Under the server's key: a plain hash of six digits is found in a million tries."""
    address_hash = models.CharField(max_length=64)
    """Of the address or number it goes to: once the person has another, it is void."""
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=utc_now, editable=False)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "accounts_one_time_code"
        indexes = (models.Index(fields=["user", "created_at"], name="accounts_code_of_user"),)
        constraints = (
            models.CheckConstraint(condition=models.Q(purpose__in=CodePurpose.values), name="accounts_code_purpose"),
            models.CheckConstraint(condition=models.Q(way__in=CodeWay.values), name="accounts_code_way"),
        )

    def __str__(self) -> str:
        return str(self.id)


class DataExport(models.Model):
    """A person's archive: asked for, then ready until it expires. One at a time; its file is named by its id."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="+")
    requested_at = models.DateTimeField(default=utc_now)
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(db_index=True)
    """Of one that is not ready: when it is given up."""
    size_bytes = models.BigIntegerField(default=0)

    class Meta:
        db_table = "accounts_data_export"

    def __str__(self) -> str:
        return str(self.id)


class SignInAttempt(models.Model):
    """One guess at a password or code, written before it is checked. Kept for the window of the lockout alone."""

    at = models.DateTimeField(db_index=True)
    account = models.CharField(max_length=64)
    """HMAC of the person's id, or of what was typed where it is nobody's."""
    address = models.CharField(max_length=45, blank=True)
    counts = models.BooleanField(default=True)
    """False once it turned out right."""
    of_pair = models.BooleanField(default=True)
    """Against (account, address): False once the account signed in from that address."""
    user_id = models.UUIDField(null=True)
    """Whose account that is, for staff who look for it. No foreign key, whose check would tell accounts from none by
    the time it takes."""

    class Meta:
        db_table = "accounts_sign_in_attempt"
        indexes = (
            models.Index(fields=["account", "at"], name="accounts_attempt_account"),
            models.Index(fields=["address", "at"], name="accounts_attempt_address"),
        )

    def __str__(self) -> str:
        return str(self.pk)


class TotpDevice(models.Model):
    """A person's authenticator app. Asked at sign-in once it is confirmed."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="+")
    secret = EncryptedText()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    last_step = models.BigIntegerField(default=0)
    """The newest time step whose code was taken: it and all before it are spent."""
    created_at = models.DateTimeField(default=utc_now, editable=False)

    class Meta:
        db_table = "accounts_totp_device"

    def __str__(self) -> str:
        return str(self.id)


class RecoveryCode(models.Model):
    """Opens a sign-in once, for somebody without their authenticator."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    code_hash = models.CharField(max_length=64)
    """SHA-256: a code has 80 random bits, so no salt is needed."""
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "accounts_recovery_code"
        constraints = (models.UniqueConstraint(fields=["user", "code_hash"], name="accounts_recovery_code_once"),)

    def __str__(self) -> str:
        return str(self.id)


class SecondStep(models.Model):
    """A sign-in whose first step is done: what an `mfa_token` names."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    token_hash = models.CharField(max_length=64)
    way = models.CharField(max_length=20)
    tries = models.PositiveSmallIntegerField(default=0)
    expires_at = models.DateTimeField(db_index=True)
    spent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "accounts_second_step"

    def __str__(self) -> str:
        return str(self.id)


class SocialCode(models.Model):
    """A social sign-in on its way from the callback to the app: a minute, once. The code itself is stored nowhere."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    provider = models.CharField(max_length=20)
    code_hash = models.CharField(max_length=64, unique=True)
    """SHA-256: a code is 256 random bits, so no salt is needed."""
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "accounts_social_code"

    def __str__(self) -> str:
        return str(self.id)
