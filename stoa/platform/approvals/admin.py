"""Asks in the admin: shown, decided elsewhere, by people of the organization."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from stoa.kit.ids import parse_id
from stoa.platform.admin_pages.base import ReadOnlyAdmin
from stoa.platform.admin_pages.looks import BAD, GOOD, WARNING, labelled
from stoa.platform.approvals.models import Approval
from stoa.platform.db.tenant import across_tenants

_STATES = {"waiting": WARNING, "granted": GOOD, "refused": BAD}


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    list_display = ("action", "told", "standing", "asked_by", "asked_at", "decided_by", "decided_at")
    search_fields = ("subject",)
    search_help_text = "Id of an organization or of what was asked about"
    fields = (
        *("id", "org_id", "action", "subject", "told", "reason", "state", "asked_by", "asked_at"),
        *("decided_by", "decided_at"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        with across_tenants("the admin shows the asks of every organization to staff"):
            return super().get_queryset(request)

    def wanted(self, term: str) -> Q:
        return Q(org_id=parse_id(term)) | Q(subject=term)

    @labelled("state", _STATES)
    def standing(self, row: Approval) -> str:
        return row.state
