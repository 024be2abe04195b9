"""Schedules and processes in the admin: to look at, to switch off, to run now. Here and not beside the sweeps, which the
audit trail itself stands on."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from stoa.platform.admin_pages.base import ReadOnlyAdmin, StoaAdmin
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import transaction
from stoa.platform.sweeps.models import Heartbeat, Sweep
from stoa.platform.sweeps.switching import make_due, switch_sweep


@admin.register(Sweep)
class SweepAdmin(StoaAdmin):
    list_display = ("name", "enabled", "every_s", "next_at", "last_ended_at", "last_count", "failures", "last_error")
    list_filter = ("enabled",)
    ordering = ("name",)
    fields = (
        *("name", "enabled", "every_s", "next_at", "lease_until", "last_started_at", "last_ended_at"),
        *("last_count", "fresh_at", "failures", "last_error"),
    )
    readonly_fields = tuple(field for field in fields if field != "enabled")
    actions = ("run_now",)

    @admin.action(description="Run now", permissions=["change"])
    def run_now(self, request: HttpRequest, queryset: QuerySet[Sweep]) -> None:
        names = sorted(queryset.values_list("name", flat=True))
        with transaction():
            for name in names:
                make_due(name=name)
                _tell("sweeps.made_due", name, request)
        self.message_user(request, f"Due now: {', '.join(names)}.", messages.SUCCESS)

    def save_model(self, request: HttpRequest, obj: Sweep, form: "ModelForm[Sweep]", change: bool) -> None:
        with transaction():
            switch_sweep(name=obj.pk, enabled=obj.enabled)
            _tell("sweeps.switched_on" if obj.enabled else "sweeps.switched_off", obj.pk, request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("role", "slot", "pid", "started_at", "beat_at")
    ordering = ("role", "slot")


def _tell(action: str, name: str, request: HttpRequest) -> None:
    record(action=action, object_type="sweep", object_id=name, actor_id=request.user.pk, severity=Severity.NOTICE)
