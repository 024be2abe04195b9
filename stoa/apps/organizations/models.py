"""Organizations, roles, memberships and invites. All but the organization itself are rows of a tenant."""

from typing import ClassVar

from django.conf import settings as django_settings
from django.db import models

from stoa.apps.organizations.domain import ADMIN, effective_permissions
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_uuid
from stoa.platform.db.tenant import TenantModel, TenantRows


class OrganizationStatus(models.TextChoices):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETED = "deleted"


class Organization(models.Model):
    """A deleted one stays: what was booked in it goes on pointing here."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    name = models.CharField(max_length=120)
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2.")
    base_currency = models.CharField(max_length=3, help_text="ISO 4217.")
    timezone = models.CharField(max_length=64)
    status = models.CharField(max_length=10, choices=OrganizationStatus.choices, default=OrganizationStatus.ACTIVE)
    seats = models.PositiveIntegerField(null=True, blank=True, help_text="Most active members; empty: no limit.")
    email_domains = models.JSONField(default=list, blank=True, help_text="Whose addresses may join; empty: any.")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=utc_now, editable=False)

    class Meta:
        db_table = "organizations_organization"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(status__in=OrganizationStatus.values), name="organizations_status_known"
            ),
        )
        indexes = (
            models.Index(fields=["-created_at", "-id"], name="organizations_newest"),
            models.Index(
                fields=["status", "-created_at", "-id"],
                condition=models.Q(status__in=["suspended", "deleted"]),
                name="organizations_not_active",
            ),
        )

    def __str__(self) -> str:
        return self.name


class Role(TenantModel):
    """A named set of permissions: an organization's own, or, without an organization, one that ships with Stoa."""

    shares_unowned: ClassVar[bool] = True

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    organization = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=40)
    permissions = models.JSONField(default=list)
    created_at = models.DateTimeField(default=utc_now, editable=False)

    objects = TenantRows["Role"]()

    class Meta(TenantModel.Meta):
        db_table = "organizations_role"
        constraints = (
            models.UniqueConstraint(fields=["organization", "name"], name="organizations_role_name"),
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(organization=None), name="organizations_system_role_name"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def is_system(self) -> bool:
        return self.organization_id is None

    @property
    def is_admin(self) -> bool:
        return self.is_system and self.name == ADMIN


class MembershipState(models.TextChoices):
    ACTIVE = "active"
    DEACTIVATED = "deactivated"
    ENDED = "ended"


class Membership(TenantModel):
    """One person in one organization. The row stays when they leave, and is taken up again when they return."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(django_settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, choices=MembershipState.choices, default=MembershipState.ACTIVE)
    allowed = models.JSONField(default=list, blank=True, help_text="Permissions beyond the role.")
    denied = models.JSONField(default=list, blank=True, help_text="Permissions taken away, whatever else says.")
    changes = models.PositiveIntegerField(default=0, editable=False)
    joined_at = models.DateTimeField(default=utc_now)

    objects = TenantRows["Membership"]()

    class Meta(TenantModel.Meta):
        db_table = "organizations_membership"
        constraints = (
            models.UniqueConstraint(fields=["organization", "user"], name="organizations_member_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=MembershipState.values), name="organizations_member_state_known"
            ),
        )
        indexes = (
            models.Index(fields=["-joined_at", "-id"], name="organizations_member_newest"),
            models.Index(fields=["user", "-joined_at", "-id"], name="organizations_member_of_user"),
            models.Index(fields=["organization", "-joined_at", "-id"], name="organizations_member_of_org"),
        )

    def __str__(self) -> str:
        return str(self.pk)

    def may(self) -> frozenset[str]:
        """Needs `role` loaded."""
        return effective_permissions(self.role.permissions, allowed=self.allowed, denied=self.denied)


class InviteState(models.TextChoices):
    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"
    EXPIRED = "expired"


class Invite(TenantModel):
    """An offer of a role to whoever owns an e-mail. Its token is recomputed by whoever sends it, and stored hashed.

    Once it is not open any more the e-mail is gone from it."""

    id = models.UUIDField(primary_key=True, default=new_uuid, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    email = models.EmailField(max_length=254, blank=True)
    user_id = models.UUIDField(null=True, blank=True, editable=False)
    """Whose e-mail that was when the invite was made: they are told in the app, and forgotten with it."""
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=InviteState.choices, default=InviteState.OPEN)
    nonce = models.CharField(max_length=64)
    token_hash = models.CharField(max_length=64)
    sendings = models.PositiveIntegerField(default=1)
    invited_by = models.UUIDField()
    created_at = models.DateTimeField(default=utc_now, editable=False)
    expires_at = models.DateTimeField()

    objects = TenantRows["Invite"]()

    class Meta(TenantModel.Meta):
        db_table = "organizations_invite"
        constraints = (
            models.UniqueConstraint(
                fields=["organization", "email"], condition=models.Q(state="open"), name="organizations_invited_once"
            ),
            models.CheckConstraint(
                condition=models.Q(state="open") | models.Q(email="", user_id=None),
                name="organizations_invite_forgets_email",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=InviteState.values), name="organizations_invite_state_known"
            ),
        )
        indexes = (
            models.Index(fields=["-created_at", "-id"], name="organizations_invite_newest"),
            models.Index(fields=["organization", "-created_at", "-id"], name="organizations_invite_of_org"),
            models.Index(fields=["email"], name="organizations_invite_of_email", condition=models.Q(state="open")),
            models.Index(fields=["expires_at"], name="organizations_invite_expiry", condition=models.Q(state="open")),
        )

    def __str__(self) -> str:
        return str(self.pk)
