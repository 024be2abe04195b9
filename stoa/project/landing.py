"""The page at `/`: what runs here, live health, and where to go."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from stoa.runtime.config.current import settings
from stoa.runtime.version import VERSION


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    return render(request, "stoa/landing.html", {"version": VERSION, "environment": settings().environment})
