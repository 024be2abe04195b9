"""The page at `/`: what runs here, live health, and where to go. Static but for the address it was asked at."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from stoa.apps.accounts.public import demo_people
from stoa.runtime.config.current import settings
from stoa.runtime.version import VERSION


@require_safe
@cache_control(no_cache=True)
def landing(request: HttpRequest) -> HttpResponse:
    shown = {
        "version": VERSION,
        "environment": settings().environment,
        "base": f"{request.scheme}://{request.get_host()}",
        "demo_people": demo_people(),
    }
    return render(request, "stoa/landing.html", shown)
