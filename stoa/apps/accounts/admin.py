"""People and sessions in the admin."""

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest

from stoa.apps.accounts.models import Session, User
from stoa.platform.audit.admin_edits import AuditedAdmin


@admin.register(User)
class UserAdmin(AuditedAdmin):
    list_display = ("handle", "name", "email", "is_active", "is_staff", "created_at")
    search_fields = ("handle", "name", "email")
    list_filter = ("is_active", "is_staff", "is_demo")
    readonly_fields = ("id", "version", "created_at", "last_login")
    exclude = ("password", "groups", "user_permissions")
    ordering = ("-created_at",)

    def save_model(self, request: HttpRequest, obj: User, form: "ModelForm[User]", change: bool) -> None:
        """An edit here is a new version too, or the person's ETag would go on naming what is no longer so."""
        if change:
            obj.version += 1
        super().save_model(request, obj, form, change)


@admin.register(Session)
class SessionAdmin(AuditedAdmin):
    list_display = ("id", "user", "agent", "last_used_at", "revoked_at")
    list_select_related = ("user",)
    raw_id_fields = ("user",)
    exclude = ("refresh_hash", "family_hash")
    readonly_fields = ("id", "created_at")
    ordering = ("-created_at",)
