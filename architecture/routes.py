"""Every route says who may use it: one Access for each of its methods (spec of the API, "Authorisation").

Run as a program (`python -m architecture.routes`) it sets Django up itself and exits 1 on a fault.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import django
from django.urls import get_resolver

from stoa.platform.http.access import Access

# The suite serves its own routes beside these, so the configured root is not the one to ask.
_SERVED = "stoa.project.urls"
_KINDS_WITH_PERMISSION = {"staff", "org"}
_KINDS = {"public", "signed_in", "internal"} | _KINDS_WITH_PERMISSION


def api_routes(patterns: Sequence[Any]) -> list[tuple[str, Any]]:
    """(route, view) of everything that carries data. Pages (landing, admin, documentation) are not meant."""
    return [(route, view) for route, view in _leaves(patterns, "") if route.startswith(("api/v1/", "internal/", "v1/"))]


def served_routes() -> list[tuple[str, Any]]:
    return api_routes(get_resolver(_SERVED).url_patterns)


def access_faults(routes: Sequence[tuple[str, Any]]) -> list[str]:
    return [fault for route, view in routes for fault in _of_route(route, view)]


def _leaves(patterns: Sequence[Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from _leaves(pattern.url_patterns, route)
        else:
            yield route, pattern.callback


def _of_route(route: str, view: Any) -> Iterator[str]:
    endpoints: Mapping[str, Any] = getattr(getattr(view, "view_class", None), "endpoints", None) or {}
    if not endpoints:
        yield f"{route}: declares no access (not made by platform.http.endpoints.Routes)"
    for method, endpoint in endpoints.items():
        access = getattr(endpoint, "access", None)
        if not isinstance(access, Access) or access.kind not in _KINDS:
            yield f"{method} {route}: declares no access"
        elif (access.kind in _KINDS_WITH_PERMISSION) != bool(access.resource and access.action):
            yield f"{method} {route}: {access} must name a resource and an action exactly if it is staff or org"


def main() -> int:
    django.setup()
    faults = access_faults(served_routes())
    sys.stdout.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
