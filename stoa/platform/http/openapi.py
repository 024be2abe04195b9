"""OpenAPI 3.1 from declared endpoints: drf-spectacular walks the URLs, pydantic's TypeAdapter writes the schemas.

A status stands in the schema only where it follows from the declaration: a route that is signed_in can answer 401,
one with limits 429, and so on; each with the codes it may carry. Tests demand that every one has been produced.
Not named are refusals that any address may give before its route is reached: an unusable Host or Content-Length (400),
a body above the limit where none is read (413), an overloaded process (503).
"""

import re
from collections.abc import Mapping
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry

from stoa.platform.http.access import OrgRequired, OrgSuspended
from stoa.platform.http.endpoints import Endpoint
from stoa.platform.http.errors import CODE_OF, STATUS_OF
from stoa.platform.http.inputs import Input
from stoa.platform.http.openapi_schemas import failure_content, query_schemas, reference, register, success_schema

PATH_PARAMETER = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
_ID = {"type": "string", "format": "uuid"}
_KEY = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"}
_PATH_SCHEMAS: Mapping[str | None, dict[str, Any]] = {
    "uuid": _ID,
    "int": {"type": "integer", "minimum": 0},
    "slug": {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"},
}
_TEXT, _NUMBER = {"type": "string"}, {"type": "integer", "minimum": 0}
_RATES = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
_HEADERS: Mapping[str, dict[str, Any]] = {
    "X-Request-ID": {"schema": _TEXT, "required": True},
    "X-Log-Id": {"schema": _TEXT, "required": True, "description": "The same id."},
    "X-Response-Time-ms": {"schema": {"type": "number", "minimum": 0}, "required": True},
    **{name: {"schema": _NUMBER, "description": "Absent where the rates are off."} for name in _RATES},
    "Retry-After": {"schema": _NUMBER, "required": True, "description": "Seconds."},
    "WWW-Authenticate": {"schema": _TEXT, "required": True},
    "Location": {"schema": _TEXT, "required": True},
    "ETag": {"schema": _TEXT, "required": True},
    "Idempotency-Replayed": {"schema": {"const": "true"}},
}


class EndpointSchema(AutoSchema):
    """Writes the whole operation from the Endpoint; nothing is guessed from serializers."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any] | None:
        view: Any = self.view
        endpoint: Endpoint = view.endpoints[method]
        route: str = view.route
        operation: dict[str, Any] = {
            "operationId": _operation_id(method, route),
            "summary": endpoint.summary,
            "tags": [endpoint.tag],
            "x-access": str(endpoint.access),
            "responses": responses_of(route, endpoint, registry),
        }
        if description := (endpoint.view.__doc__ or "").strip().partition("\n")[2].strip():
            operation["description"] = re.sub(r"\s+", " ", description)
        if parameters := [
            *_path_parameters(route),
            *_query_parameters(endpoint, registry),
            *_headers_in(route, endpoint),
        ]:
            operation["parameters"] = parameters
        if endpoint.body is not None:
            content = {"application/json": {"schema": reference(endpoint.body, registry, "validation")}}
            # No body at all is read as an empty object.
            operation["requestBody"] = {"required": _needs_body(endpoint.body), "content": content}
        operation["security"] = [] if endpoint.access.kind == "public" else [{"bearer": []}]
        return operation


def documented_statuses(route: str, endpoint: Endpoint) -> dict[int, tuple[str, ...]]:
    """Status -> the codes it may carry, for every failure that the declaration implies."""
    found: dict[int, list[str]] = {}

    def add(status: int, code: str = "") -> None:
        codes = found.setdefault(status, [])
        if (code := code or CODE_OF[status][0]) not in codes:
            codes.append(code)

    if endpoint.access.kind != "public":
        add(401)
    if endpoint.access.kind in {"staff", "org", "internal"}:
        add(403)
    if PATH_PARAMETER.search(route) or endpoint.flag or endpoint.access.kind == "org":
        add(404)
    if endpoint.access.kind == "org" and endpoint.method != "GET":
        add(403, OrgSuspended.code)
    if endpoint.access.kind == "org" and not names_org(route):
        add(409, OrgRequired.code)
    if endpoint.body is not None:
        for status in (400, 413, 415, 422):
            add(status)
    if endpoint.query is not None:
        add(422)
    if endpoint.listed == "keyset":
        add(400)
    if endpoint.idempotency != "ignored":
        add(400, "IDEMPOTENCY_KEY_INVALID")
        add(409, "IDEMPOTENCY_IN_PROGRESS")
        add(422, "IDEMPOTENCY_MISMATCH")
        if endpoint.idempotency == "required":
            add(400, "IDEMPOTENCY_KEY_REQUIRED")
    if endpoint.conditional == "write":
        add(412)
    if endpoint.default_limits or endpoint.limits:
        add(429)
    for error in endpoint.raises:
        add(STATUS_OF[error.kind], error.code)
    return {status: tuple(codes) for status, codes in sorted(found.items())}


def names_org(route: str) -> bool:
    """Does the path itself say which organization is meant?"""
    return any(found["name"] == "org_id" for found in PATH_PARAMETER.finditer(route))


def responses_of(route: str, endpoint: Endpoint, registry: ComponentRegistry) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Done.", "headers": _headers_out(endpoint, endpoint.status, registry)}
    if endpoint.status not in {204, 302}:
        success["content"] = {
            "application/json": {"schema": success_schema(endpoint, registry)},
            **{kind: {"schema": {"type": "string", "format": "binary"}} for kind in endpoint.files},
        }
    responses = {str(endpoint.status): success}
    if endpoint.conditional == "read":
        unchanged = "Unchanged since the ETag in If-None-Match."
        responses["304"] = {"description": unchanged, "headers": _headers_out(endpoint, 304, registry)}
    for status, codes in documented_statuses(route, endpoint).items():
        refusal = {
            "description": " or ".join(codes) + ".",
            "headers": _headers_out(endpoint, status, registry),
            "content": failure_content(status, codes, registry),
        }
        name = ".".join((str(status), *codes, *(() if _limited(endpoint) else ("unlimited",))))
        responses[str(status)] = register(registry, "responses", name, refusal)
    return responses


def _limited(endpoint: Endpoint) -> bool:
    return bool(endpoint.default_limits or endpoint.limits)


def _headers_out(endpoint: Endpoint, status: int, registry: ComponentRegistry) -> dict[str, Any]:
    names = ["X-Request-ID", "X-Log-Id", "X-Response-Time-ms"]
    names += _RATES if _limited(endpoint) else ()
    names += {302: ["Location"], 401: ["WWW-Authenticate"], 429: ["Retry-After"]}.get(status, [])
    if status < 400:
        names += ["ETag"] if endpoint.conditional else []
        names += ["Idempotency-Replayed"] if endpoint.idempotency != "ignored" else []
    return {name: register(registry, "headers", name, _HEADERS[name]) for name in names}


def _path_parameters(route: str) -> list[dict[str, Any]]:
    return [
        {
            "in": "path",
            "name": found["name"],
            "required": True,
            "schema": _PATH_SCHEMAS.get(found["kind"], {"type": "string", "minLength": 1}),
        }
        for found in PATH_PARAMETER.finditer(route)
    ]


def _query_parameters(endpoint: Endpoint, registry: ComponentRegistry) -> list[dict[str, Any]]:
    if endpoint.query is None:
        return []
    parameters = []
    for name, schema, required in query_schemas(endpoint.query, registry):
        parameter = {"in": "query", "name": name, "required": required}
        if "description" in schema:
            parameter["description"] = schema.pop("description")
        parameters.append({**parameter, "schema": schema})
    return parameters


def _headers_in(route: str, endpoint: Endpoint) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = []
    if endpoint.access.kind == "org" and not names_org(route):
        described = "The organization that is acted for."
        parameters.append(
            {"in": "header", "name": "X-Org-Id", "schema": _ID, "required": False, "description": described}
        )
    if endpoint.idempotency != "ignored":
        required = endpoint.idempotency == "required"
        parameters.append({"in": "header", "name": "Idempotency-Key", "schema": _KEY, "required": required})
    condition = {"read": "If-None-Match", "write": "If-Match"}.get(endpoint.conditional)
    if condition is not None:
        parameters.append({"in": "header", "name": condition, "schema": _TEXT, "required": False})
    return parameters


def _needs_body(model: type[Input]) -> bool:
    return any(field.is_required() for field in model.model_fields.values())


def _operation_id(method: str, route: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", PATH_PARAMETER.sub(lambda m: f"by_{m['name']}", route).lower()).strip("_")
    return f"{method.lower()}_{words}"
