"""Organizations, their members, roles and invites in the admin: shown whole, changed by staff's own services alone."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from stoa.apps.accounts.public import user_id_of
from stoa.apps.organizations.models import (
    Invite,
    InviteState,
    Membership,
    MembershipState,
    Organization,
    OrganizationStatus,
    Role,
)
from stoa.apps.organizations.services.invites import resend_invite_by_staff, revoke_invite_by_staff
from stoa.apps.organizations.services.organizations import reactivate_organization, suspend_organization
from stoa.kit.email import canonical_email
from stoa.kit.ids import parse_id
from stoa.platform.admin_pages.acts import act_on_each, actor_of
from stoa.platform.admin_pages.base import ReadOnlyAdmin
from stoa.platform.admin_pages.looks import BAD, GOOD, PLAIN, WARNING, labelled, list_link, page_link, row_link
from stoa.platform.db.tenant import across_tenants

_NOBODY = Q(pk=None)
_STATUS = dict(zip(OrganizationStatus.values, (GOOD, WARNING, BAD), strict=True))
_MEMBERSHIP = dict(zip(MembershipState.values, (GOOD, WARNING, BAD), strict=True))
_INVITE = {
    InviteState.OPEN.value: PLAIN,
    InviteState.ACCEPTED.value: GOOD,
    InviteState.DECLINED.value: WARNING,
    InviteState.REVOKED.value: BAD,
    InviteState.EXPIRED.value: WARNING,
}


@admin.register(Organization)
class OrganizationAdmin(ReadOnlyAdmin):
    list_display = ("name", "standing", "country", "base_currency", "seats", "created_at")
    list_filter = ("status",)
    search_fields = ("name",)
    search_help_text = "Name (beginning, as written) or id"
    ordering = ("-created_at", "-id")
    fields = (
        *("id", "name", "status", "country", "base_currency", "timezone", "seats", "email_domains", "created_at"),
        *("members", "invites"),
    )
    readonly_fields = ("members", "invites")
    actions = ("suspend", "reactivate")

    def wanted(self, term: str) -> Q:
        number = parse_id(term)
        return Q(pk=number) if number else Q(name__startswith=term)

    def has_act_permission(self, request: HttpRequest) -> bool:
        return self.may_act(request)

    @labelled("status", _STATUS)
    def standing(self, row: Organization) -> tuple[str, str]:
        return row.status, row.get_status_display()

    @admin.display(description="members")
    def members(self, row: Organization) -> SafeString:
        return list_link("organizations.membership", "of this organization", q=str(row.pk))

    @admin.display(description="invites")
    def invites(self, row: Organization) -> SafeString:
        return list_link("organizations.invite", "of this organization", q=str(row.pk))

    @admin.action(description="Suspend: read-only from now on", permissions=["act"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[Organization]) -> None:
        actor_id = actor_of(request)
        act_on_each(
            self,
            request,
            queryset,
            lambda row: suspend_organization(org_id=row.pk, actor_id=actor_id),
            done="suspended",
        )

    @admin.action(description="Reactivate", permissions=["act"])
    def reactivate(self, request: HttpRequest, queryset: QuerySet[Organization]) -> None:
        actor_id = actor_of(request)
        act_on_each(
            self,
            request,
            queryset,
            lambda row: reactivate_organization(org_id=row.pk, actor_id=actor_id),
            done="reactivated",
        )


class _OfOrganizations(ReadOnlyAdmin):
    """Rows of a tenant: staff who may view them see those of every organization."""

    list_select_related: ClassVar[tuple[str, ...]] = ("organization", "role")
    search_help_text = "E-mail or id of a person, or id of an organization"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        with across_tenants("the admin shows the rows of every organization to staff"):
            return super().get_queryset(request).select_related(*self.list_select_related)

    @admin.display(description="organization")
    def organization_page(self, row: Any) -> SafeString | str:
        return row_link(row.organization)


@admin.register(Role)
class RoleAdmin(_OfOrganizations):
    list_display = ("name", "organization_page", "how_many", "created_at")
    list_select_related = ("organization",)
    search_fields = ("name",)
    search_help_text = "Name of a role, or id of an organization"
    ordering = ("-created_at", "-id")
    fields = ("id", "name", "organization_page", "permissions", "created_at")

    def wanted(self, term: str) -> Q:
        number = parse_id(term)
        return Q(organization_id=number) if number else Q(name=term.upper())

    @admin.display(description="permissions")
    def how_many(self, row: Role) -> int:
        return len(row.permissions)


@admin.register(Membership)
class MembershipAdmin(_OfOrganizations):
    list_display = ("id", "person", "organization_page", "role", "standing", "joined_at")
    list_select_related = ("organization", "role", "user")
    list_filter = ("state",)
    search_fields = ("user_id",)
    ordering = ("-joined_at", "-id")
    fields = ("id", "person", "organization_page", "role", "state", "allowed", "denied", "joined_at", "changes")
    readonly_fields = ("person", "organization_page")

    def wanted(self, term: str) -> Q:
        number = parse_id(term) or user_id_of(canonical_email(term))
        return Q(user_id=number) | Q(organization_id=number) if number else _NOBODY

    @labelled("state", _MEMBERSHIP)
    def standing(self, row: Membership) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @admin.display(description="person")
    def person(self, row: Membership) -> SafeString:
        return page_link("accounts.user", row.user_id, str(row.user))


@admin.register(Invite)
class InviteAdmin(_OfOrganizations):
    list_display = ("id", "email", "organization_page", "role", "standing", "sendings", "created_at", "expires_at")
    list_filter = ("state",)
    search_fields = ("email",)
    search_help_text = "E-mail of an open invite, or id of an organization"
    ordering = ("-created_at", "-id")
    fields = ("id", "email", "organization_page", "role", "state", "sendings", "invited_by", "created_at", "expires_at")
    readonly_fields = ("organization_page",)
    actions = ("resend", "revoke")

    def wanted(self, term: str) -> Q:
        """An e-mail is kept while the invite is open, and found by the index of those."""
        number = parse_id(term)
        return Q(organization_id=number) if number else Q(email=canonical_email(term), state=InviteState.OPEN)

    def has_act_permission(self, request: HttpRequest) -> bool:
        return self.may_act(request)

    @labelled("state", _INVITE)
    def standing(self, row: Invite) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @admin.action(description="Send again", permissions=["act"])
    def resend(self, request: HttpRequest, queryset: QuerySet[Invite]) -> None:
        actor_id = actor_of(request)
        act_on_each(
            self,
            request,
            queryset,
            lambda row: resend_invite_by_staff(org_id=row.organization_id, actor_id=actor_id, invite_id=row.pk),
            done="sent again",
        )

    @admin.action(description="Revoke", permissions=["act"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Invite]) -> None:
        actor_id = actor_of(request)
        act_on_each(
            self,
            request,
            queryset,
            lambda row: revoke_invite_by_staff(org_id=row.organization_id, actor_id=actor_id, invite_id=row.pk),
            done="revoked",
        )
