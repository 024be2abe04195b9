"""OpenAPI 3.1 from declared endpoints: drf-spectacular walks the URLs, pydantic's TypeAdapter writes the schemas.

A status stands in the schema only where it follows from the declaration: a route that is signed_in can answer 401,
one with limits 429, and so on. A test demands that each documented status has been produced.
"""

import re
from collections.abc import Mapping
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from stoa.kit.money import Money
from stoa.platform.http.endpoints import Endpoint
from stoa.platform.http.errors import CODE_OF, STATUS_OF
from stoa.platform.http.inputs import MONEY_SCHEMA

REF = "#/components/schemas/{model}"
_TIMESTAMP = {"type": "string", "format": "date-time", "description": "ISO-8601, UTC, milliseconds."}
_PATH_PARAMETER = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
_RATE_HEADERS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


class EndpointSchema(AutoSchema):
    """Writes the whole operation from the Endpoint; nothing is guessed from serializers."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any] | None:
        endpoint: Endpoint = self.view.endpoints[method]
        route = self.view.route
        operation: dict[str, Any] = {
            "operationId": _operation_id(method, route),
            "summary": endpoint.summary,
            "tags": [endpoint.tag],
            "x-access": str(endpoint.access),
            "responses": responses_of(endpoint, registry),
        }
        if description := (endpoint.view.__doc__ or "").strip().partition("\n")[2].strip():
            operation["description"] = re.sub(r"\s+", " ", description)
        if parameters := [*_path_parameters(route), *_query_parameters(endpoint), *_header_parameters(endpoint)]:
            operation["parameters"] = parameters
        if endpoint.body is not None:
            content = {"application/json": {"schema": _reference(endpoint.body, registry, "validation")}}
            operation["requestBody"] = {"required": True, "content": content}
        operation["security"] = [] if endpoint.access.kind == "public" else [{"bearer": []}]
        return operation


def documented_statuses(endpoint: Endpoint) -> dict[int, tuple[str, ...]]:
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


def responses_of(endpoint: Endpoint, registry: ComponentRegistry) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Done."}
    if endpoint.status != 204:
        success["content"] = {"application/json": {"schema": _success_schema(endpoint, registry)}}
    success["headers"] = _success_headers(endpoint)
    responses = {str(endpoint.status): success}
    if endpoint.conditional == "read":
        responses["304"] = {"description": "Unchanged since the ETag in If-None-Match."}
    for status, codes in documented_statuses(endpoint).items():
        schema = _failure_reference(registry)
        responses[str(status)] = {
            "description": " or ".join(codes) + ".",
            "content": {"application/json": {"schema": schema}, "application/problem+json": {"schema": _problem(registry)}},
        }
    return responses


def _success_schema(endpoint: Endpoint, registry: ComponentRegistry) -> dict[str, Any]:
    data: dict[str, Any] = {"type": "null"}
    if endpoint.answer is not None:
        data = _reference(endpoint.answer, registry, "serialization")
        if endpoint.listed:
            data = {"type": "array", "items": data}
    meta = _register(registry, f"Meta{endpoint.listed.title()}", _meta_schema(endpoint.listed))
    properties = {
        "success": {"const": True},
        "message": {"type": "string"},
        "data": data,
        "error": {"type": "null"},
        "meta": meta,
        "timestamp": _TIMESTAMP,
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def _meta_schema(listed: str) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "request_id": {"type": "string"},
        "app_version": {"type": "string"},
        "duration_ms": {"type": "number"},
        "org_id": {"type": ["string", "null"]},
    }
    if listed:
        cursor = {"type": ["string", "null"]}
        number, flag = {"type": "integer"}, {"type": "boolean"}
        pagination = (
            {"limit": number, "next_cursor": cursor, "prev_cursor": cursor, "has_more": flag}
            if listed == "keyset"
            else {
                "page": number,
                "limit": number,
                "total": number,
                "total_pages": number,
                "has_next": flag,
                "has_prev": flag,
            }
        )
        properties["pagination"] = {"type": "object", "properties": pagination, "required": list(pagination)}
    return {
        "type": "object",
        "properties": properties,
        "required": ["request_id", *(["pagination"] if listed else [])],
        "additionalProperties": False,
    }


def _success_headers(endpoint: Endpoint) -> dict[str, Any]:
    names = ["X-Request-ID"]
    if endpoint.default_limits or endpoint.limits:
        names += _RATE_HEADERS
    if endpoint.conditional:
        names.append("ETag")
    if endpoint.idempotency != "ignored":
        names.append("Idempotency-Replayed")
    return {name: {"schema": {"type": "string"}} for name in names}


def _failure_reference(registry: ComponentRegistry) -> dict[str, Any]:
    error = {
        "type": "object",
        "properties": {
            "code": {"type": "string"},
            "message": {"type": "string"},
            "details": {"type": "object"},
        },
        "required": ["code", "message", "details"],
        "additionalProperties": False,
    }
    meta = _register(registry, "Meta", _meta_schema(""))
    properties = {
        "success": {"const": False},
        "message": {"type": "string"},
        "data": {"type": "null"},
        "error": error,
        "meta": meta,
        "timestamp": _TIMESTAMP,
    }
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return _register(registry, "Failure", schema)


def _problem(registry: ComponentRegistry) -> dict[str, Any]:
    text = {"type": "string"}
    properties = {"type": text, "title": text, "status": {"type": "integer"}, "code": text, "request_id": text}
    schema = {"type": "object", "properties": {**properties, "details": {"type": "object"}}, "required": list(properties)}
    return _register(registry, "Problem", schema)


def _path_parameters(route: str) -> list[dict[str, Any]]:
    schemas: Mapping[str | None, dict[str, Any]] = {
        "uuid": {"type": "string", "format": "uuid"},
        "int": {"type": "integer", "minimum": 0},
    }
    return [
        {"in": "path", "name": m["name"], "required": True, "schema": schemas.get(m["kind"], {"type": "string"})}
        for m in _PATH_PARAMETER.finditer(route)
    ]


def _query_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.query is None:
        return []
    schema = endpoint.query.model_json_schema()
    required = schema.get("required", [])
    parameters = []
    for name, described in schema["properties"].items():
        schema = {key: value for key, value in described.items() if key not in {"title", "description"}}
        # A query string has no null: a parameter is there or absent.
        if "anyOf" in schema and (given := [option for option in schema.pop("anyOf") if option != {"type": "null"}]):
            schema = {**given[0], **{key: value for key, value in schema.items() if value is not None}}
        parameter = {"in": "query", "name": name, "schema": schema, "required": name in required}
        if "description" in described:
            parameter["description"] = described["description"]
        parameters.append(parameter)
    return parameters


def _header_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    parameters = []
    if endpoint.idempotency != "ignored":
        schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"}
        required = endpoint.idempotency == "required"
        parameters.append({"in": "header", "name": "Idempotency-Key", "schema": schema, "required": required})
    condition = {"read": "If-None-Match", "write": "If-Match"}.get(endpoint.conditional)
    if condition is not None:
        parameters.append({"in": "header", "name": condition, "schema": {"type": "string"}, "required": False})
    return parameters


def _operation_id(method: str, route: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", _PATH_PARAMETER.sub(lambda m: f"by_{m['name']}", route).lower()).strip("_")
    return f"{method.lower()}_{words}"


class _Generator(GenerateJsonSchema):
    """Money is a plain class, so pydantic only knows "an instance of it"."""

    def is_instance_schema(self, schema: core_schema.IsInstanceSchema) -> JsonSchemaValue:
        if schema["cls"] is Money:
            return dict(MONEY_SCHEMA)
        return super().is_instance_schema(schema)


def _reference(model: type, registry: ComponentRegistry, mode: Any) -> dict[str, Any]:
    """Register the class and whatever it contains as components; return a $ref."""
    schema = TypeAdapter(model).json_schema(ref_template=REF, mode=mode, schema_generator=_Generator)
    for name, definition in schema.pop("$defs", {}).items():
        _register(registry, name, definition)
    return _register(registry, model.__name__, schema)


def _register(registry: ComponentRegistry, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    component = ResolvedComponent(name=name, type=ResolvedComponent.SCHEMA, schema=schema, object=name)
    registry.register_on_missing(component)
    return dict(component.ref)
