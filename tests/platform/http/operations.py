"""Every operation of the suite's URLs, called as its declaration says: by somebody who may, with valid values."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import httpx
from django.conf import settings as django_settings
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator, FormatChecker

from stoa.apps.accounts.tests.factories import Person, make_person
from stoa.kit.errors import Denied
from stoa.kit.ids import new_id, new_uuid
from stoa.platform.http.contracts import Caller
from stoa.platform.http.endpoints import Endpoint, all_endpoints
from stoa.platform.http.openapi import PATH_PARAMETER
from stoa.platform.http.public import register_org_permissions
from stoa.platform.testing.client import ApiClient
from stoa.platform.testing.sampling import sample
from tests.probe.models import Note

NOT_DOCUMENTED = frozenset({"probe crashes"})
"""Tags of routes that exist only to show what an unforeseen failure answers."""


@dataclass(frozen=True)
class Operation:
    route: str
    endpoint: Endpoint

    def __str__(self) -> str:
        return f"{self.endpoint.method} {self.route.removeprefix('api/v1/')}"

    @property
    def path_template(self) -> str:
        return "/" + PATH_PARAMETER.sub(lambda found: f"{{{found['name']}}}", self.route)

    @property
    def has_path_values(self) -> bool:
        return PATH_PARAMETER.search(self.route) is not None


def operations(applies: Callable[[Endpoint], object] = lambda endpoint: True) -> list[Operation]:
    found = all_endpoints(get_resolver(django_settings.ROOT_URLCONF).url_patterns)
    return [
        Operation(route, endpoint)
        for route, endpoint in found
        if endpoint.tag not in NOT_DOCUMENTED and applies(endpoint)
    ]


def _note_of(person: Person) -> dict[str, str]:
    return {"note_id": str(Note.objects.create(title=new_id(), owner_id=person.user.pk).pk)}


def _session_of(person: Person) -> dict[str, str]:
    return {"session_id": person.refresh.partition(".")[0]}


OWNED: dict[str, Callable[[Person], dict[str, str]]] = {"note_id": _note_of, "session_id": _session_of}
"""Name of a path value -> how somebody comes to own what it names. A new kind of thing in a path adds its maker."""


def path_values_of(operation: Operation, person: Person) -> dict[str, str]:
    """Ids of new things that the person owns, for a path that names some. Raises KeyError for an unknown kind."""
    found: dict[str, str] = {}
    for parameter in PATH_PARAMETER.finditer(operation.route):
        found |= OWNED[parameter["name"]](person)
    return found


@contextmanager
def somebody_who_may(endpoint: Endpoint) -> Iterator[Person]:
    """Raises LookupError for internal routes: their credential arrives with the gateway."""
    if endpoint.access.kind == "internal":
        raise LookupError("nobody may call an internal route yet")
    staff = endpoint.access.kind == "staff"
    person = make_person("Caller", is_staff=staff, is_superuser=staff)
    if endpoint.access.kind != "org":
        yield person
        return
    org_id = new_uuid()

    def of_everybody(caller: Caller, *, named: str, resource: str, action: str) -> UUID:
        return org_id

    register_org_permissions(of_everybody)
    try:
        yield person
    finally:
        register_org_permissions(of_nobody)


def of_nobody(caller: Caller, *, named: str, resource: str, action: str) -> UUID:
    """What an unregistered port does: there are no organizations yet."""
    raise Denied


def call(
    api: ApiClient,
    operation: Operation,
    person: Person | None,
    *,
    headers: dict[str, str] | None = None,
    content: bytes | None = None,
    query: dict[str, str] | None = None,
    owned: dict[str, str] | None = None,
    without: tuple[str, ...] = (),
) -> httpx.Response:
    """With a sample body and query, a fresh Idempotency-Key where one is required, and ids that name nothing unless
    `owned`; whatever is given replaces its part, and headers named in `without` are not sent. The answer is checked
    against the documentation."""
    endpoint = operation.endpoint
    values = {found["name"]: _foreign(found["kind"]) for found in PATH_PARAMETER.finditer(operation.route)}
    values |= owned or {}
    sent = {"Idempotency-Key": new_id()} if endpoint.idempotency == "required" else {}
    if endpoint.body is not None:
        sent["Content-Type"] = "application/json"
        if content is None:
            content = body_of(operation)
    if endpoint.query is not None and query is None:
        query = {name: str(value) for name, value in sample(endpoint.query.model_json_schema()).items()}
    sent |= {**(person.bearer if person is not None else {}), **(headers or {})}
    answer = api.request(
        endpoint.method,
        operation.path_template.format(**values),
        headers={name: value for name, value in sent.items() if name not in without},
        content=content,
        params=query,
    )
    conforms(operation, answer)
    return answer


def body_of(operation: Operation) -> bytes:
    body = operation.endpoint.body
    return json.dumps(sample(body.model_json_schema())).encode() if body is not None else b""


def _foreign(kind: str | None) -> str:
    return "0" if kind == "int" else new_id()


@cache
def document() -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator(urlconf=django_settings.ROOT_URLCONF).get_schema(request=None, public=True)
    return found


def conforms(operation: Operation, answer: httpx.Response) -> None:
    """Raises AssertionError when status, a header or the body is not as documented."""
    method = operation.endpoint.method.lower()
    responses = document()["paths"][operation.path_template][method]["responses"]
    assert str(answer.status_code) in responses, f"{operation} answers {answer.status_code}, which it does not document"
    described = _resolved(responses[str(answer.status_code)])
    for name, header in described["headers"].items():
        assert name in answer.headers or not _resolved(header).get("required"), f"{operation}: no {name}"
    if "content" not in described:
        assert answer.content == b""
        return
    schema = described["content"][answer.headers["Content-Type"]]["schema"]
    whole = {**schema, "components": document()["components"]}
    faults = list(Draft202012Validator(whole, format_checker=FormatChecker()).iter_errors(answer.json()))
    assert faults == [], f"{operation}: {faults[0].message}"


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    _, _, kind, name = node["$ref"].split("/")
    found: dict[str, Any] = document()["components"][kind][name]
    return found
