"""From a declared endpoint to a Django view: limits, access, reading, replay, answering; in that order.

DRF brings the request, authentication and the documentation; its serializers and renderers are not used for answers
(measured: a page of 20 posts 1,740 req/s through a serializer, 9,200 with dataclasses handed to orjson).
"""

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, ClassVar, cast
from uuid import UUID

import orjson
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils.http import content_disposition_header
from rest_framework.exceptions import MethodNotAllowed, UnsupportedMediaType
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from stoa.kit.errors import Denied, Invalid, Missing, Stale, Unauthenticated
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.http.access import INTERNAL, org_meant
from stoa.platform.http.authentication import BearerAuthentication
from stoa.platform.http.contracts import Caller, OrgAsked, Standing
from stoa.platform.http.endpoints import Answer, Endpoint, File, Redirect, Routes
from stoa.platform.http.envelope import BARE, dumps, form_of, write_failure, write_success
from stoa.platform.http.errors import Failure, failure_of
from stoa.platform.http.idempotency import IdempotencyKeyRequired, Outcome, run_once, slot_for
from stoa.platform.http.inputs import validate
from stoa.platform.http.json_body import clean_text, read_json
from stoa.platform.http.openapi import EndpointSchema
from stoa.platform.http.pages import Page
from stoa.platform.http.public import feature_is_on
from stoa.platform.http.request_limits import take_limits
from stoa.runtime import context
from stoa.runtime.config.current import settings
from stoa.runtime.internal_secret import knows_secret


class Call[B, Q]:
    """What a view gets: the caller, the validated body and query, and the few things a view may ask for."""

    def __init__(self, request: Request, route: str, caller: Caller | None, org_id: UUID | None = None) -> None:
        self.request = request
        self.route = route
        self._caller = caller
        self._org_id = org_id
        self.body = cast(B, None)
        self.query = cast(Q, None)

    @property
    def caller(self) -> Caller:
        """Raises Unauthenticated on a public route that nobody signed in to."""
        if self._caller is None:
            raise Unauthenticated
        return self._caller

    @property
    def org_id(self) -> UUID:
        """Of an org route: the organization in which the caller may do this. Raises Denied elsewhere."""
        if self._org_id is None:
            raise Denied
        return self._org_id

    @property
    def standing(self) -> Standing:
        """The caller's own, in that organization."""
        return next(one for one in self.caller.standings if one.org_id == self.org_id)

    @property
    def idempotency_key(self) -> str:
        """Of a route that requires one."""
        return str(self.request.META["HTTP_IDEMPOTENCY_KEY"])

    @property
    def address(self) -> str:
        return str(self.request.META["stoa.client_address"])

    @property
    def agent(self) -> str:
        return str(self.request.META.get("HTTP_USER_AGENT", ""))[:200]

    def require_match(self, etag: str) -> None:
        """Refuse a write whose If-Match names another version. Without the header the last writer wins.

        Call it inside the transaction, on the locked row. Raises Stale."""
        wanted = self.request.META.get("HTTP_IF_MATCH", "")
        if wanted and wanted.strip() != "*" and not _names(wanted, etag):
            raise Stale


class _NoFormat(DefaultContentNegotiation):
    """`?format=` is a parameter of routes that have one, and no word to DRF, which would look for a renderer."""

    class settings:  # noqa: N801 - the name that DRF asks for
        URL_FORMAT_OVERRIDE = None


class EndpointView(APIView):
    """One URL and its operations."""

    content_negotiation_class = _NoFormat

    endpoints: ClassVar[Mapping[str, Endpoint]] = {}
    route: ClassVar[str] = ""
    authentication_classes = (BearerAuthentication,)
    schema = EndpointSchema()

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Limits come before access, so that guessing tokens is limited too. A public route asks nobody who they are."""
        endpoint = self._endpoint(request)
        self.rate_headers: dict[str, str] = {}
        self.org_id: UUID | None = None
        asked = _org_asked(endpoint, request, kwargs)
        request.META["stoa.org_asked"] = asked
        caller: Caller | None = None
        refusal: Unauthenticated | None = None
        if endpoint.access.kind == "internal":
            # Their credential is no access token, and they are counted by nobody.
            refusal = None if knows_secret(request.META.get("HTTP_AUTHORIZATION")) else Unauthenticated()
        elif endpoint.access.kind != "public":
            try:
                caller = cast(Caller | None, request.auth)
            except Unauthenticated as error:
                refusal = error
        take_limits(endpoint, caller, request.META, self.rate_headers)
        # Off for everybody it is not there, for strangers too; off for some, they hear so once we know who they are.
        if endpoint.flag and not feature_is_on(endpoint.flag, anybody=True):
            raise Missing
        if refusal is not None:
            raise refusal
        self.caller = caller
        self.org_id = _authorise(endpoint, caller, asked)
        if endpoint.flag and not feature_is_on(endpoint.flag, anybody=False):
            raise Missing

    def get(self, request: Request, **kwargs: object) -> HttpResponseBase:
        return self._perform(request, kwargs)

    post = put = patch = delete = get

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]  # the stubs say Response
        return self._refuse(failure_of(exc))

    def finalize_response(  # type: ignore[override]  # the stubs say Response; any HttpResponseBase will do
        self, request: Request, response: HttpResponseBase, *args: object, **kwargs: object
    ) -> HttpResponseBase:
        for name, value in getattr(self, "rate_headers", {}).items():
            response.setdefault(name, value)
        response.setdefault("Vary", "Accept, Authorization")
        return response

    def _endpoint(self, request: Request) -> Endpoint:
        method = "GET" if request.method == "HEAD" else request.method or ""
        if method not in self.endpoints:
            raise MethodNotAllowed(method)
        return self.endpoints[method]

    def _perform(self, request: Request, path_values: Mapping[str, object]) -> HttpResponseBase:
        endpoint = self._endpoint(request)
        call: Call[Any, Any] = Call(request, self.route, self.caller, self.org_id)
        if endpoint.query is not None:
            call.query = validate(endpoint.query, _query_of(request))
        if endpoint.body is not None:
            call.body = validate(endpoint.body, _body_of(request))
        # An empty key is a bad one, not an absent one: a client that sends it wants the request made once.
        key = request.META.get("HTTP_IDEMPOTENCY_KEY") if endpoint.idempotency != "ignored" else None
        if key is None:
            if endpoint.idempotency == "required":
                raise IdempotencyKeyRequired
            return self._answer(request, endpoint, self._act(endpoint, call, path_values))
        return self._answer_once(request, endpoint, key, lambda: self._act(endpoint, call, path_values))

    def _act(self, endpoint: Endpoint, call: Call[Any, Any], path_values: Mapping[str, object]) -> object:
        """An org route sees the rows of its organization and of no other."""
        with tenant_scope(self.org_id) if self.org_id is not None else nullcontext():
            return endpoint.view(call, **path_values)

    def _answer_once(
        self, request: Request, endpoint: Endpoint, key: str, act: Callable[[], object]
    ) -> HttpResponseBase:
        current = context.current()
        slot = slot_for(
            key=key,
            user_id=current.user_id,
            org_id=current.org_id or request.META.get("HTTP_X_ORG_ID", ""),
            method=request.method or "",
            path=request.path_info,
            query=request.META.get("QUERY_STRING", ""),
            body=request._request.body,
        )

        def outcome() -> Outcome:
            answer = _as_answer(act())
            return Outcome(endpoint.status, answer.message, dumps(answer.data))

        result = run_once(slot, outcome)
        answer = Answer(orjson.loads(result.data), message=result.message)
        response = self._answer(request, endpoint, answer, status=result.status)
        if result.replayed:
            response["Idempotency-Replayed"] = "true"
        return response

    def _answer(
        self, request: Request, endpoint: Endpoint, result: object, status: int | None = None
    ) -> HttpResponseBase:
        if isinstance(result, Redirect):
            return _redirect(result)
        if isinstance(result, File):
            return _file(result)
        answer = _as_answer(result)
        headers = {"ETag": f'"{answer.etag}"'} if answer.etag is not None else {}
        if answer.etag is not None and endpoint.conditional == "read":
            if _names(request.META.get("HTTP_IF_NONE_MATCH", ""), answer.etag):
                return HttpResponse(status=304, headers=headers)
        data, pagination = (
            (answer.data.items, answer.data.pagination) if isinstance(answer.data, Page) else (answer.data, None)
        )
        body = write_success(
            data,
            form=BARE if endpoint.access.kind == "internal" else form_of(request.META.get("HTTP_ACCEPT", "")),
            message=answer.message,
            started=_started(request),
            pagination=pagination,
        )
        return HttpResponse(body, status=status or endpoint.status, content_type="application/json", headers=headers)

    def _refuse(self, failure: Failure) -> HttpResponse:
        return refusal_response(self.request, failure, allowed=tuple(self.endpoints))


def refusal_response(request: Any, failure: Failure, *, allowed: tuple[str, ...] = ()) -> HttpResponse:
    """A failure in the form the caller asked for."""
    body, content_type = write_failure(
        failure, form=form_of(request.META.get("HTTP_ACCEPT", "")), started=_started(request)
    )
    headers = dict(failure.headers)
    if failure.status == 405:
        headers["Allow"] = ", ".join(sorted({*allowed, *(("HEAD",) if "GET" in allowed else ())}))
    return HttpResponse(body, status=failure.status, content_type=content_type, headers=headers)


def urlpatterns_of(routes: Routes) -> list[URLPattern]:
    """Django URL patterns of an app's routes, relative to /api/v1/."""
    return [path(route, _view_of(route, by_method)) for route, by_method in routes.endpoints.items()]


def _view_of(route: str, by_method: Mapping[str, Endpoint]) -> Callable[..., HttpResponseBase]:
    names = [method.lower() for method in by_method]
    if "GET" in by_method:
        names.append("head")
    declared: dict[str, object] = {"endpoints": by_method, "route": route, "http_method_names": names}
    if all(endpoint.access == INTERNAL for endpoint in by_method.values()):
        declared["schema"] = None  # nobody outside can call it, so the public document does not name it
    view: Any = type("EndpointView", (EndpointView,), declared)
    return cast(Callable[..., HttpResponseBase], view.as_view())


def _org_asked(endpoint: Endpoint, request: Request, path_values: Mapping[str, object]) -> OrgAsked | None:
    """The path's id goes before X-Org-Id: a list of the one must not answer for the other."""
    if endpoint.access.kind != "org":
        return None
    header = request.META.get("HTTP_X_ORG_ID")
    # A header without a value names something, which is not there; only without the header nothing is named.
    named = str(path_values.get("org_id") or (header or "-" if header is not None else ""))
    return OrgAsked(named=named, permission=endpoint.access.permission, writes=endpoint.method != "GET")


def _authorise(endpoint: Endpoint, caller: Caller | None, asked: OrgAsked | None) -> UUID | None:
    """The organization of an org route, else None."""
    access = endpoint.access
    if access.kind in {"public", "internal"}:
        return None
    if caller is None:
        raise Unauthenticated
    if access.kind == "staff":
        if not caller.is_staff or not (caller.is_superuser or access.permission in caller.staff_permissions):
            raise Denied
    elif access.kind == "org" and asked is not None:
        org_id = org_meant(caller, asked)
        context.update(org_id=str(org_id))
        return org_id
    return None


def _query_of(request: Request) -> Mapping[str, object]:
    query: dict[str, object] = {}
    faults: dict[str, list[str]] = {}
    for name, values in request.query_params.lists():
        if len(values) > 1:
            faults[name] = ["given more than once"]
        query[name] = clean_text(values[-1], (name,), faults)
    if faults:
        raise Invalid(faults)
    return query


def _body_of(request: Request) -> object:
    body = request._request.body
    if not body:
        return {}
    media_type, _, parameters = request.META.get("CONTENT_TYPE", "").partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if media_type.strip().lower() != "application/json" or charset not in {"", "utf-8", "utf8"}:
        raise UnsupportedMediaType(media_type[:100])
    return read_json(body)


def _redirect(target: Redirect) -> HttpResponse:
    """Never kept by a cache, and its address told to nobody: a code may stand in it."""
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    response = HttpResponseRedirect(target.url, headers=headers)
    if (cookie := target.cookie) is not None:
        secure = settings().in_production
        response.set_cookie(
            cookie.name,
            cookie.value,
            max_age=cookie.max_age_s,
            path=cookie.path,
            secure=secure,
            httponly=True,
            samesite="Lax",
        )
    return response


def _file(file: File) -> HttpResponseBase:
    """A list is sent whole, with its length; anything else while it is made. Never kept by a cache: it is somebody's."""
    headers = {
        "Content-Disposition": content_disposition_header(True, file.name) or "attachment",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    if isinstance(file.pieces, list):
        return HttpResponse(b"".join(file.pieces), content_type=file.content_type, headers=headers)
    return StreamingHttpResponse(file.pieces, content_type=file.content_type, headers=headers)


def _as_answer(result: object) -> Answer:
    return result if isinstance(result, Answer) else Answer(result)


def _names(header: str, etag: str) -> bool:
    """Does If-Match or If-None-Match name this tag? Weak tags compare as strong ones: we make no weak ones."""
    return any(tag.strip().removeprefix("W/") in {f'"{etag}"', "*"} for tag in header.split(","))


def _started(request: Any) -> float:
    return cast(float, request.META.get("stoa.started") or time.perf_counter())
