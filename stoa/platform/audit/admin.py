"""The trail in the admin: to read and to filter, nothing to edit."""

from collections.abc import Sequence
from typing import Any

import orjson
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from stoa.platform.admin_pages.base import ReadOnlyAdmin
from stoa.platform.admin_pages.filters import ChosenFilter, DaysFilter
from stoa.platform.admin_pages.looks import BAD, GOOD, PLAIN, WARNING, labelled, preformatted, story_link
from stoa.platform.audit.models import AuditRecord, Severity
from stoa.platform.audit.queries import actions_recorded, detail_of, object_types_recorded

_COLORS = dict(zip(Severity.values, (PLAIN, GOOD, WARNING, BAD), strict=True))


class ByAction(ChosenFilter):
    title = "action"
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        return [(action, action) for action in actions_recorded()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditRecord]) -> QuerySet[AuditRecord]:
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(AuditRecord)
class AuditRecordAdmin(ReadOnlyAdmin):
    list_display = ("at", "action", "how_grave", "actor_id", "object_type", "object_id", "story")
    list_filter = ("severity", ByAction, ("at", DaysFilter))
    list_filter_submit = True
    search_fields = ("action", "actor_id", "request_id")
    search_help_text = "Action, or id of actor, object or request"
    ordering = ("-at", "-id")
    fields = ("at", "action", "severity", "actor_id", "object_type", "object_id", "org_id", "story", "digest", "told")
    readonly_fields = ("told", "story")

    def wanted(self, term: str) -> Q:
        """An object's id together with every type there is: so the index on both answers."""
        return super().wanted(term) | Q(object_type__in=object_types_recorded(), object_id=term)

    @labelled("severity", _COLORS)
    def how_grave(self, row: AuditRecord) -> tuple[str, str]:
        return row.severity, row.get_severity_display()

    @admin.display(description="request")
    def story(self, row: AuditRecord) -> SafeString | str:
        return story_link(row.request_id)

    @admin.display(description="detail")
    def told(self, row: AuditRecord) -> SafeString | str:
        known = detail_of(row)
        return preformatted(orjson.dumps(known, option=orjson.OPT_INDENT_2).decode()) if known else "none, or erased"
