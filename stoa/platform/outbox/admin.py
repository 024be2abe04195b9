"""Events and deliveries in the admin: to look at, and to try again what is parked."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from stoa.platform.outbox.keeping import retry_parked
from stoa.platform.outbox.models import DeliveryState, OutboxDelivery, OutboxEvent

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = admin.ModelAdmin  # takes no type when it runs


class _ReadOnly(_Admin):
    show_full_result_count = False
    ordering = ("-id",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(OutboxEvent)
class OutboxEventAdmin(_ReadOnly):
    list_display = ("id", "name", "version", "key", "occurred_at", "expanded_at", "request_id")
    search_fields = ("=request_id",)


@admin.register(OutboxDelivery)
class OutboxDeliveryAdmin(_ReadOnly):
    list_display = ("id", "subscriber", "event", "ordered_key", "state", "attempts", "due_at", "error")
    list_filter = ("state",)
    list_select_related = ("event",)
    search_fields = ("=subscriber", "=ordered_key", "=event__request_id")
    actions = ("retry",)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("outbox.change_outboxdelivery")

    @admin.action(description="Retry what is parked", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[OutboxDelivery]) -> None:
        parked = queryset.filter(state=DeliveryState.PARKED)
        count = retry_parked(delivery_ids=list(parked.values_list("id", flat=True)))
        self.message_user(request, f"{count} parked deliveries are due again.", messages.SUCCESS)
