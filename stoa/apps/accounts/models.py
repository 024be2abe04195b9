"""People and their sessions."""

from datetime import datetime
from typing import ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

from stoa.apps.accounts.domain import candidate_handles, canonical_email
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_uuid


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


class User(AbstractBaseUser, PermissionsMixin):
    """One person. `email` is stored in its canonical form."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    email = models.EmailField(max_length=254, unique=True)
    handle = models.CharField(max_length=30, unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    is_demo = models.BooleanField(default=False, help_text="Made by seed_demo; signs in only while DEMO_DATA is on.")
    version = models.PositiveIntegerField(default=1, help_text="Counts edits; the ETag of the profile.")
    created_at = models.DateTimeField(default=utc_now, editable=False)

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
            models.Index(fields=["expires_at"], name="accounts_session_expiry"),
        )

    def __str__(self) -> str:
        return str(self.id)
