"""Events and deliveries in the admin: to look at, and to try again what is parked."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from stoa.platform.admin_pages.base import ReadOnlyAdmin
from stoa.platform.admin_pages.looks import BAD, GOOD, PLAIN, labelled, list_link, row_link, story_link
from stoa.platform.outbox.keeping import retry_parked
from stoa.platform.outbox.models import DeliveryState, OutboxDelivery, OutboxEvent

_COLORS = {DeliveryState.PENDING.value: PLAIN, DeliveryState.DONE.value: GOOD, DeliveryState.PARKED.value: BAD}


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin):
    list_display = ("id", "name", "version", "key", "occurred_at", "expanded_at", "story")
    search_fields = ("request_id",)
    search_help_text = "Id of a request"
    fields = (*list_display, "uid", "payload", "deliveries")
    readonly_fields = ("deliveries", "story")

    @admin.display(description="request")
    def story(self, row: OutboxEvent) -> SafeString | str:
        return story_link(row.request_id)

    @admin.display(description="deliveries")
    def deliveries(self, row: OutboxEvent) -> SafeString:
        return list_link("outbox.outboxdelivery", "of this event", event__id__exact=row.pk)


@admin.register(OutboxDelivery)
class OutboxDeliveryAdmin(ReadOnlyAdmin):
    list_display = ("id", "subscriber", "of_event", "ordered_key", "standing", "attempts", "due_at", "error")
    list_filter = ("state",)
    list_select_related = ("event",)
    search_fields = ("event__request_id",)
    search_help_text = "Id of a request"
    fields = ("subscriber", "of_event", "ordered_key", "state", "attempts", "due_at", "done_at", "error", "story")
    readonly_fields = ("of_event", "story")
    actions = ("retry",)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return self.may_act(request)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == "event__id__exact" or super().lookup_allowed(lookup, value, request)

    @labelled("state", _COLORS)
    def standing(self, row: OutboxDelivery) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @admin.display(description="event")
    def of_event(self, row: OutboxDelivery) -> SafeString | str:
        return row_link(row.event, row.event.name)

    @admin.display(description="request")
    def story(self, row: OutboxDelivery) -> SafeString | str:
        return story_link(row.event.request_id)

    @admin.action(description="Retry what is parked", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[OutboxDelivery]) -> None:
        parked = queryset.filter(state=DeliveryState.PARKED)
        count = retry_parked(delivery_ids=list(parked.values_list("id", flat=True)))
        self.message_user(request, f"{count} parked deliveries are due again.", messages.SUCCESS)
