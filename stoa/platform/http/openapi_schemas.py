"""The JSON Schemas of the documentation: the envelope around an answer, failures, and every class as a component."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from stoa.kit.money import Money
from stoa.platform.http.endpoints import Endpoint
from stoa.platform.http.inputs import MONEY_SCHEMA, QueryInput

type Schema = dict[str, Any]
type Mode = Literal["validation", "serialization"]

_REFERENCE = "#/components/schemas/{model}"
_TEXT, _NUMBER, _FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
_TIMESTAMP = {"type": "string", "format": "date-time", "description": "ISO-8601, UTC, milliseconds."}
_CURSOR = {"type": ["string", "null"]}
_PAGINATION: dict[str, Schema] = {
    "keyset": {"limit": _NUMBER, "next_cursor": _CURSOR, "prev_cursor": _CURSOR, "has_more": _FLAG},
    "numbered": {
        "page": _NUMBER,
        "limit": _NUMBER,
        "total": _NUMBER,
        "total_pages": _NUMBER,
        "has_next": _FLAG,
        "has_prev": _FLAG,
    },
}


class TwoSchemasOneName(Exception):
    """Two classes, or one class read and written in different forms, would be one component: rename one."""


def success_schema(endpoint: Endpoint, registry: ComponentRegistry) -> Schema:
    """Open to further keys at its root only: ENABLE_KEY_MIRRORING puts the keys of `data` there."""
    data: Schema = {"type": "null"}
    if endpoint.answer is not None:
        data = reference(endpoint.answer, registry, "serialization")
        if endpoint.listed:
            data = {"type": "array", "items": data}
    properties = {
        "success": {"const": True},
        "message": _TEXT,
        "data": data,
        "error": {"type": "null"},
        "meta": register(registry, "schemas", f"Meta{endpoint.listed.title()}", _meta(endpoint.listed)),
        "timestamp": _TIMESTAMP,
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def failure_content(status: int, codes: Sequence[str], registry: ComponentRegistry) -> Schema:
    """The envelope, and the problem document for those who ask for it; each narrowed to the codes of this status."""
    code = {"properties": {"code": {"enum": list(codes)}}}
    enveloped = {"allOf": [_failure(registry), {"properties": {"error": code}}]}
    problem = {"allOf": [_problem(registry), {"properties": {"status": {"const": status}, **code["properties"]}}]}
    return {"application/json": {"schema": enveloped}, "application/problem+json": {"schema": problem}}


def reference(model: type, registry: ComponentRegistry, mode: Mode) -> Schema:
    """Register the class and whatever it contains as components; return a $ref. Raises TwoSchemasOneName."""
    schema = TypeAdapter(model).json_schema(ref_template=_REFERENCE, mode=mode, schema_generator=_Generator)
    return register(registry, "schemas", model.__name__, _without_definitions(schema, registry))


def query_schemas(model: type[QueryInput], registry: ComponentRegistry) -> Iterator[tuple[str, Schema, bool]]:
    """Name, schema and whether it must be there. A query string has no null: a parameter is there or absent."""
    whole = model.model_json_schema(ref_template=_REFERENCE, schema_generator=_Generator)
    whole = _without_definitions(whole, registry)
    for name, described in whole.get("properties", {}).items():
        schema = {
            key: value for key, value in described.items() if key != "title" and (key, value) != ("default", None)
        }
        given = [option for option in schema.pop("anyOf", ()) if option != {"type": "null"}]
        if len(given) == 1:
            schema = {**given[0], **schema}
        elif given:
            schema["anyOf"] = given
        yield name, schema, name in whole.get("required", ())


def _meta(listed: str) -> Schema:
    properties: Schema = {
        "request_id": _TEXT,
        "app_version": _TEXT,
        "duration_ms": {"type": "number"},
        "org_id": {"type": ["string", "null"]},
    }
    required = ["request_id"]
    if listed:
        properties["pagination"] = _closed(_PAGINATION[listed])
        required.append("pagination")
    return {**_closed(properties), "required": required}


def _failure(registry: ComponentRegistry) -> Schema:
    properties = {
        "success": {"const": False},
        "message": _TEXT,
        "data": {"type": "null"},
        "error": _closed({"code": _TEXT, "message": _TEXT, "details": {"type": "object"}}),
        "meta": register(registry, "schemas", "Meta", _meta("")),
        "timestamp": _TIMESTAMP,
    }
    return register(registry, "schemas", "Failure", _closed(properties))


def _problem(registry: ComponentRegistry) -> Schema:
    properties = {
        "type": _TEXT,
        "title": _TEXT,
        "status": _NUMBER,
        "code": _TEXT,
        "details": {"type": "object"},
        "request_id": _TEXT,
    }
    return register(registry, "schemas", "Problem", _closed(properties))


def _closed(properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


class _Generator(GenerateJsonSchema):
    """Money is a plain class, so pydantic only knows "an instance of it"; an answer has exactly its fields, all of
    them: one that slips in by mistake, such as a hash, is then an answer against its documentation."""

    def is_instance_schema(self, schema: core_schema.IsInstanceSchema) -> JsonSchemaValue:
        if schema["cls"] is Money:
            return dict(MONEY_SCHEMA)
        return super().is_instance_schema(schema)

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        described = super().dataclass_schema(schema)
        if self.mode == "serialization" and "properties" in described:
            described |= {"additionalProperties": False, "required": list(described["properties"])}
        return described


def _without_definitions(schema: Schema, registry: ComponentRegistry) -> Schema:
    for name, definition in schema.pop("$defs", {}).items():
        register(registry, "schemas", name, definition)
    return schema


def register(registry: ComponentRegistry, kind: str, name: str, described: Schema) -> Schema:
    """Add a component of `kind` (schemas, headers, responses); return a $ref to it. Raises TwoSchemasOneName."""
    component = ResolvedComponent(name=name, type=kind, schema=described, object=f"{kind} {name}")
    if component in registry and registry[component].schema != described:
        raise TwoSchemasOneName(name)
    registry.register_on_missing(component)
    return dict(component.ref)
