"""Declaring routes: everything that enforcement, documentation and tests need to know stands in one place."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from stoa.kit.contract import Contract
from stoa.kit.errors import DomainError
from stoa.platform.http.access import Access
from stoa.platform.http.inputs import Input, QueryInput
from stoa.platform.http.scopes import LimitScope

type Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
type IdempotencyRule = Literal["required", "accepted", "ignored"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a view returns when the contract alone is not enough."""

    data: object
    message: str = "OK"
    etag: str | None = None
    """Quoted into ETag: a row version or a digest of `data`, never of the body (its timestamp changes)."""


@dataclass(frozen=True, slots=True)
class Cookie:
    """Kept by a browser between two routes: never read by scripts, never sent along by another site's form."""

    name: str
    value: str
    path: str
    max_age_s: int


@dataclass(frozen=True, slots=True)
class Redirect:
    """What a view of an endpoint with `status=302` returns: a browser is there, not a program."""

    url: str
    cookie: Cookie | None = None


@dataclass(frozen=True, slots=True)
class File:
    """What a view of an endpoint with `files` may return instead of its contract. Pieces that are made while they are
    sent come from outside the view's scope: whoever makes them opens their own."""

    pieces: Iterable[bytes]
    content_type: str
    name: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation. `answer` is a Contract class, or None for an empty answer; `listed` says data is an array of it.

    `raises` are the domain errors of this operation for OpenAPI, beyond those that follow from the rest."""

    method: Method
    view: Callable[..., Any]
    access: Access
    answer: type[Contract] | None
    status: int = 200
    body: type[Input] | None = None
    query: type[QueryInput] | None = None
    listed: Literal["", "keyset", "numbered"] = ""
    raises: tuple[type[DomainError], ...] = ()
    limits: tuple[LimitScope, ...] = ()
    idempotency: IdempotencyRule = "ignored"
    conditional: Literal["", "read", "write"] = ""
    """"read": answers an ETag and honours If-None-Match; "write": honours If-Match."""
    flag: str = ""
    """A feature flag: where it is off for the caller, the route answers 404."""
    files: tuple[str, ...] = ()
    """Content types in which the answer may come as a file, without an envelope."""
    tag: str = ""
    default_limits: bool = True

    @property
    def summary(self) -> str:
        return (self.view.__doc__ or self.view.__name__.replace("_", " ").capitalize()).strip().partition("\n")[0]


@dataclass(slots=True)
class Routes:
    """The routes of one app: `routes = Routes("accounts")`, then `@routes.post("auth/login", ...)` above each view."""

    tag: str
    default_limits: bool = True
    endpoints: dict[str, dict[str, Endpoint]] = field(default_factory=dict)

    def get(self, route: str, **declaration: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        return self._declare("GET", route, declaration)

    def post(self, route: str, **declaration: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        declaration.setdefault("idempotency", "accepted")
        return self._declare("POST", route, declaration)

    def put(self, route: str, **declaration: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        return self._declare("PUT", route, declaration)

    def patch(self, route: str, **declaration: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        return self._declare("PATCH", route, declaration)

    def delete(self, route: str, **declaration: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        return self._declare("DELETE", route, declaration)

    def _declare(
        self, method: Method, route: str, declaration: Mapping[str, Any]
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def register(view: Callable[..., Any]) -> Callable[..., Any]:
            endpoint = Endpoint(
                method=method, view=view, tag=self.tag, **{"default_limits": self.default_limits, **declaration}
            )
            if method in self.endpoints.setdefault(route, {}):
                raise ValueError(f"{method} {route} is declared twice")
            self.endpoints[route][method] = endpoint
            return view

        return register


def all_endpoints(patterns: Sequence[Any]) -> list[tuple[str, Endpoint]]:
    """Every (route, endpoint) below these URL patterns, for tests and documentation checks."""
    found: list[tuple[str, Endpoint]] = []
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            prefix = str(pattern.pattern)
            found += [(prefix + route, endpoint) for route, endpoint in all_endpoints(pattern.url_patterns)]
        else:
            view_class = getattr(pattern.callback, "view_class", None)
            endpoints = getattr(view_class, "endpoints", None) or {}
            found += [(str(pattern.pattern), endpoint) for endpoint in endpoints.values()]
    return found
