"""The trail in the admin: to read and to filter, nothing to edit."""

from typing import TYPE_CHECKING

import orjson
from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

from stoa.platform.audit.models import AuditRecord
from stoa.platform.audit.queries import detail_of

if TYPE_CHECKING:
    _OfRecords = admin.ModelAdmin[AuditRecord]
    _Pages = Paginator[AuditRecord]
else:
    _OfRecords, _Pages = admin.ModelAdmin, Paginator

_PAGED = 2000


class NewestOnly(_Pages):
    """Of what the filters leave the newest 2,000: counting a trail of millions takes longer than reading its page."""

    @property
    def count(self) -> int:
        rows = self.object_list
        return rows[:_PAGED].count() if isinstance(rows, QuerySet) else len(rows)


@admin.register(AuditRecord)
class AuditRecordAdmin(_OfRecords):
    list_display = ("at", "action", "severity", "actor_id", "object_type", "object_id", "request_id")
    list_filter = ("severity", "at")
    search_fields = ("=action", "=actor_id", "=object_type", "=object_id", "=request_id")
    search_help_text = "An action, or the id of an actor, an object or a request, as a whole."
    ordering = ("-id",)
    paginator = NewestOnly
    show_full_result_count = False
    list_per_page = 50
    fields = (*list_display, "org_id", "digest", "told")
    readonly_fields = ("told",)

    @admin.display(description="detail")
    def told(self, row: AuditRecord) -> str:
        said = detail_of(row)
        return orjson.dumps(said, option=orjson.OPT_INDENT_2).decode() if said is not None else "none, or erased"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditRecord | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditRecord | None = None) -> bool:
        return False
