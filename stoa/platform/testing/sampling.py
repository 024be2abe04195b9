"""A valid value for a JSON Schema, so that tests over all operations can send a body that nothing refuses by its form."""

import string
from collections.abc import Callable, Mapping
from typing import Any

from stoa.kit.ids import new_id

_FORMATS: Mapping[str, Callable[[], str]] = {
    "uuid": new_id,
    "email": lambda: f"{new_id()}@example.org",
    "date-time": lambda: "2026-02-03T12:34:56Z",
    "date": lambda: "2026-02-03",
}


class NoSample(Exception):
    """The schema has a pattern or a format that is not known here: give its field `examples`."""


def sample(schema: Mapping[str, Any], definitions: Mapping[str, Any] | None = None) -> Any:
    """The smallest value with every required property. `definitions` are the schema's own $defs. Raises NoSample."""
    definitions = definitions if definitions is not None else schema.get("$defs", {})
    if "$ref" in schema:
        return sample(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    for key in ("examples", "enum"):
        if key in schema:
            return schema[key][0]
    if "const" in schema or "default" in schema:
        return schema.get("const", schema.get("default"))
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return sample(schema[key][0], definitions)
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return {name: sample(properties[name], definitions) for name in schema.get("required", ())}
        case "array":
            return [sample(schema["items"], definitions) for _ in range(schema.get("minItems", 0))]
        case "integer" | "number":
            return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        case "boolean":
            return True
        case "string":
            return _text(schema)
    raise NoSample(str(dict(schema)))


def _text(schema: Mapping[str, Any]) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]()
    if "pattern" in schema or "format" in schema:
        raise NoSample(str(dict(schema)))
    shortest: int = schema.get("minLength", 1)
    length: int = max(shortest, min(8, schema.get("maxLength", 8)))
    return (string.ascii_lowercase * (length // 26 + 1))[:length]
