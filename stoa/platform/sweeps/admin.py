"""Schedules and processes in the admin: to look at, to switch off, to run now."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from stoa.kit.clock import utc_now
from stoa.platform.sweeps.models import Heartbeat, Sweep

if TYPE_CHECKING:  # generic for the type checker alone
    _OfSweeps = admin.ModelAdmin[Sweep]
    _OfHeartbeats = admin.ModelAdmin[Heartbeat]
else:
    _OfSweeps = _OfHeartbeats = admin.ModelAdmin


@admin.register(Sweep)
class SweepAdmin(_OfSweeps):
    list_display = ("name", "enabled", "every_s", "next_at", "last_ended_at", "last_count", "failures", "last_error")
    list_filter = ("enabled",)
    fields = (
        *("name", "enabled", "every_s", "next_at", "lease_until", "last_started_at", "last_ended_at"),
        *("last_count", "fresh_at", "failures", "last_error"),
    )
    readonly_fields = (
        *("name", "every_s", "next_at", "lease_until", "last_started_at", "last_ended_at"),
        *("last_count", "fresh_at", "failures", "last_error"),
    )
    actions = ("run_now",)

    @admin.action(description="Run now")
    def run_now(self, request: HttpRequest, queryset: QuerySet[Sweep]) -> None:
        queryset.update(next_at=utc_now())

    def save_model(self, request: HttpRequest, obj: Sweep, form: "ModelForm[Sweep]", change: bool) -> None:
        """Only the switch: a worker may be writing the rest at this moment."""
        Sweep.objects.filter(pk=obj.pk).update(enabled=obj.enabled)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Heartbeat)
class HeartbeatAdmin(_OfHeartbeats):
    list_display = ("role", "slot", "pid", "started_at", "beat_at")
    ordering = ("role", "slot")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Heartbeat | None = None) -> bool:
        return False
