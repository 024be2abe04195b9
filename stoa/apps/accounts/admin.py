"""People and sessions in the admin."""

from django.contrib import admin

from stoa.apps.accounts.models import Session, User


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    list_display = ("handle", "name", "email", "is_active", "is_staff", "created_at")
    search_fields = ("handle", "name", "email")
    list_filter = ("is_active", "is_staff", "is_demo")
    readonly_fields = ("id", "version", "created_at", "last_login")
    exclude = ("password", "groups", "user_permissions")
    ordering = ("-created_at",)


@admin.register(Session)
class SessionAdmin(admin.ModelAdmin):
    list_display = ("id", "user", "agent", "last_used_at", "revoked_at")
    list_select_related = ("user",)
    raw_id_fields = ("user",)
    exclude = ("refresh_hash",)
    readonly_fields = ("id", "created_at")
    ordering = ("-created_at",)
