"""The trace as a page of the admin."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from stoa.platform.observability.public import story_of


def trace_page(request: HttpRequest) -> HttpResponse:
    """`/admin/trace/?id=`. Wrapped in `admin.site.admin_view`; for those who may see the audit trail."""
    if not request.user.has_perm("audit.view_auditrecord"):
        raise PermissionDenied
    request_id = request.GET.get("id", "").strip()
    story = story_of(request_id) if request_id else []
    said = {**admin.site.each_context(request), "title": "Trace", "request_id": request_id, "story": story}
    return render(request, "observability/trace.html", {**said, "headings": ("When (UTC)", "What", "Detail")})
