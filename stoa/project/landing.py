"""The page at `/`: what runs here, live health, and where to go. Static but for the address it was asked at."""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from stoa.apps.accounts.public import demo_people
from stoa.platform.http.entry import page_policy
from stoa.runtime.config.current import settings
from stoa.runtime.version import VERSION


@require_safe
@cache_control(no_cache=True)
def landing(request: HttpRequest) -> HttpResponse:
    socket = _socket(request)
    shown = {
        "socket": socket,
        "version": VERSION,
        "environment": settings().environment,
        "base": f"{request.scheme}://{request.get_host()}",
        "demo_people": demo_people(),
    }
    response = render(request, "stoa/landing.html", shown)
    response["Content-Security-Policy"] = page_policy(connect=socket)
    return response


def _socket(request: HttpRequest) -> str:
    """Where this visitor reaches the gateway."""
    current = settings()
    if current.gateway_public_url is not None:
        return current.gateway_public_url
    host = urlsplit(f"//{request.get_host()}").hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return f"{'wss' if request.is_secure() else 'ws'}://{shown}:{current.gateway_port}/ws"
