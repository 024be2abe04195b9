"""The one JSON shape of every answer under /api/v1/, and the bare and RFC 9457 forms a client may ask for."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

from stoa.kit.clock import isoformat, utc_now
from stoa.kit.money import Money
from stoa.platform.http.errors import Failure
from stoa.runtime import context
from stoa.runtime.config.current import settings
from stoa.runtime.version import VERSION

JSON = "application/json"
PROBLEM = "application/problem+json"
_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME  # orjson's own form has microseconds; the contract says milliseconds


@dataclass(frozen=True, slots=True)
class Form:
    """How the caller wants answers: the envelope, or the bare payload, and failures as problem documents."""

    raw: bool = False
    problem: bool = False


ENVELOPE = Form()
BARE = Form(raw=True)


def form_of(accept: str) -> Form:
    """From the Accept header. Only what is asked for by name changes the form."""
    if accept in {"", "*/*", JSON}:
        return ENVELOPE
    wanted = [part.strip().lower().replace(" ", "") for part in accept.split(",")]
    raw = any(part.startswith(JSON) and "profile=raw" in part.replace('"', "").split(";") for part in wanted)
    return Form(raw=raw, problem=any(part.startswith(PROBLEM) for part in wanted))


def dumps(value: object) -> bytes:
    return orjson.dumps(value, default=_plain, option=_OPTIONS)


def write_success(
    data: object, *, form: Form, message: str, started: float, pagination: Mapping[str, Any] | None = None
) -> bytes:
    """`started` is time.perf_counter() at the request's arrival."""
    if form.raw:
        return dumps(_raw_list(data, pagination) if pagination is not None else data)
    meta = _meta(started)
    if pagination is not None:
        meta["pagination"] = pagination
    envelope: dict[str, Any] = {
        "success": True,
        "message": message,
        "data": data,
        "error": None,
        "meta": meta,
        "timestamp": isoformat(utc_now()),
    }
    if settings().enable_key_mirroring:
        for key, value in _items(data):
            envelope.setdefault(key, value)
    return dumps(envelope)


def write_failure(failure: Failure, *, form: Form, started: float) -> tuple[bytes, str]:
    """The body and its content type."""
    if form.problem:
        problem = {
            "type": "about:blank",
            "title": failure.message,
            "status": failure.status,
            "code": failure.code,
            "details": failure.details,
            "request_id": context.current().request_id,
        }
        return dumps(problem), PROBLEM
    error = {"code": failure.code, "message": failure.message, "details": failure.details}
    if form.raw:
        return dumps(error), JSON
    envelope = {
        "success": False,
        "message": failure.message,
        "data": None,
        "error": error,
        "meta": _meta(started),
        "timestamp": isoformat(utc_now()),
    }
    return dumps(envelope), JSON


def _meta(started: float) -> dict[str, Any]:
    current = context.current()
    meta: dict[str, Any] = {"request_id": current.request_id}
    if settings().enable_response_enrichment:
        meta["app_version"] = VERSION
        meta["duration_ms"] = round((time.perf_counter() - started) * 1000, 2)
        meta["org_id"] = current.org_id or None
    return meta


def _raw_list(data: object, pagination: Mapping[str, Any]) -> dict[str, object]:
    return {"results": data, "next": pagination.get("next_cursor"), "previous": pagination.get("prev_cursor")}


def _items(data: object) -> Iterable[tuple[str, object]]:
    if isinstance(data, Mapping):
        return data.items()
    if is_dataclass(data) and not isinstance(data, type):
        return [(field.name, getattr(data, field.name)) for field in fields(data)]
    return ()


def _plain(value: object) -> object:
    match value:
        case datetime():
            return isoformat(value)
        case date():
            return value.isoformat()
        case Money():
            return value.as_wire()
        case Decimal():
            return str(value)
        case Mapping():
            return dict(value)
        case frozenset() | set():
            return list(value)
    raise TypeError(f"{type(value).__name__} has no place on the wire")
