"""Every operation of the suite's URLs, called as its declaration says: by somebody who may, with valid values."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import httpx
from django.conf import settings as django_settings
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator, FormatChecker

from stoa.apps.accounts.domain import SocialIdentity
from stoa.apps.accounts.services.devices import keep_device
from stoa.apps.accounts.services.social import arrive
from stoa.apps.accounts.tests.factories import PASSWORD, Person, make_person
from stoa.apps.ledger.services.holds import hold_funds
from stoa.apps.ledger.services.journal import AskedEntry, AskedLine
from stoa.apps.ledger.services.periods import add_period
from stoa.apps.ledger.services.quarantine import cure_record, quarantine_entry
from stoa.apps.ledger.services.report_jobs import AskedReport, ask_report
from stoa.apps.ledger.tests.factories import Books
from stoa.apps.notifications.domain import Kind
from stoa.apps.notifications.models import Notification
from stoa.apps.notifications.services import notify
from stoa.apps.organizations.models import Membership
from stoa.apps.organizations.tests.factories import allow, make_invite, make_member, make_organization, make_role
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_id
from stoa.platform.db.tenant import across_tenants
from stoa.platform.http.endpoints import Endpoint, all_endpoints
from stoa.platform.http.openapi import PATH_PARAMETER
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
        if endpoint.tag not in NOT_DOCUMENTED and endpoint.access.kind != "internal" and applies(endpoint)
    ]


def _note_of(person: Person) -> dict[str, str]:
    return {"note_id": str(Note.objects.create(title=new_id(), owner_id=person.user.pk).pk)}


def _session_of(person: Person) -> dict[str, str]:
    return {"session_id": person.refresh.partition(".")[0]}


def _device_of(person: Person) -> dict[str, str]:
    device = keep_device(user_id=person.user.pk, platform="web", token=new_id(), name="")
    return {"device_id": str(device.id)}


def _self(person: Person) -> dict[str, str]:
    return {"user_id": str(person.user.pk)}


def _provider_of(person: Person) -> dict[str, str]:
    return {"provider": "google"}


def _social_code(person: Person) -> dict[str, object]:
    identity = SocialIdentity("google", new_id(), f"{new_id()}@example.org", email_verified=True, name="Somebody")
    return {"code": arrive(identity=identity)}


def _notification_of(person: Person) -> dict[str, str]:
    notify(user_id=person.user.pk, kind=Kind.MEMBERSHIP_ENDED, data={"organization": "Stoa"}, dedupe_key=new_id())
    return {"notification_id": str(Notification.objects.get(user_id=person.user.pk).pk)}


def _org_of(person: Person) -> dict[str, str]:
    return {"org_id": str(org_id_of(person))}


def _member_of(person: Person) -> dict[str, str]:
    return {"member_id": str(make_member(org_id_of(person))[1])}


def _role_of(person: Person) -> dict[str, str]:
    return {"role_id": str(make_role(org_id_of(person), "members:read"))}


def _invite_of(person: Person) -> dict[str, str]:
    return {"invite_id": str(make_invite(org_id_of(person), person, f"{new_id()}@example.org")[0])}


def _account_of(person: Person) -> dict[str, str]:
    return {"account_id": str(Books(id=org_id_of(person)).account(f"A{new_id()[-12:]}"))}


def _entry_of(person: Person) -> dict[str, str]:
    return {"entry_id": str(Books(id=org_id_of(person)).move("cash", "equity", 5).entry_id)}


def _hold_of(person: Person) -> dict[str, str]:
    books = Books(id=org_id_of(person))
    hold = hold_funds(
        book_id=books.id,
        account_id=books["cash"],
        amount_minor=5,
        key=new_id(),
        expires_at=utc_now() + timedelta(hours=1),
    )
    return {"hold_id": str(hold.id)}


def _period_of(person: Person) -> dict[str, str]:
    books, end = Books(id=org_id_of(person)), datetime(2020, 1, 1, tzinfo=UTC)
    return {"period_id": str(add_period(book_id=books.id, name="1999", starts_at=end - timedelta(1), ends_at=end).id)}


def _quarantine_of(person: Person) -> dict[str, str]:
    entry_id = UUID(_entry_of(person)["entry_id"])
    made = quarantine_entry(book_id=org_id_of(person), entry_id=entry_id, reason="Looks odd", by=person.user.pk)
    return {"quarantine_id": str(made.id)}


def _approval_of(person: Person) -> dict[str, str]:
    """Asked by somebody else, so that this person may decide."""
    books = Books(id=org_id_of(person))
    lines = [
        AskedLine(account_id=books["cash"], debit="5000.00"),
        AskedLine(account_id=books["equity"], credit="5000.00"),
    ]
    asked = cure_record(
        book_id=books.id,
        quarantine_id=UUID(_quarantine_of(person)["quarantine_id"]),
        asked=AskedEntry(lines=lines),
        reason="To make it good",
        key=new_id(),
        by=UUID(new_id()),
    )
    return {"approval_id": str(asked.approval_id)}


def _report_job_of(person: Person) -> dict[str, str]:
    asked = AskedReport(report="trial-balance", form="csv")
    job = ask_report(book_id=Books(id=org_id_of(person)).id, asked=asked, key=new_id(), by=person.user.pk)
    return {"job_id": str(job.pk)}


OWNED: dict[str, Callable[[Person], dict[str, str]]] = {
    "note_id": _note_of,
    "session_id": _session_of,
    "device_id": _device_of,
    "user_id": _self,
    "notification_id": _notification_of,
    "provider": _provider_of,
    "org_id": _org_of,
    "member_id": _member_of,
    "role_id": _role_of,
    "invite_id": _invite_of,
    "account_id": _account_of,
    "entry_id": _entry_of,
    "hold_id": _hold_of,
    "period_id": _period_of,
    "quarantine_id": _quarantine_of,
    "approval_id": _approval_of,
    "job_id": _report_job_of,
    "template": lambda person: {"template": "bank_fee"},
}
"""Name of a path value -> how somebody comes to own what it names. A new kind of thing in a path adds its maker."""


def path_values_of(operation: Operation, person: Person) -> dict[str, str]:
    """Ids of new things that the person owns, for a path that names some. Raises KeyError for an unknown kind."""
    found: dict[str, str] = {}
    for parameter in PATH_PARAMETER.finditer(operation.route):
        found |= OWNED[parameter["name"]](person)
    return found


@contextmanager
def somebody_who_may(endpoint: Endpoint) -> Iterator[Person]:
    """On an org route the ORG_ADMIN of an organization, with the permission if only the probe knows it."""
    staff = endpoint.access.kind == "staff"
    person = make_person("Caller", is_staff=staff, is_superuser=staff)
    if endpoint.access.kind == "org":
        allow(make_organization(person), person, endpoint.access.permission)
    yield person


def org_id_of(person: Person) -> UUID:
    """The one organization of that person; of staff, who are in none, a stranger's."""
    with across_tenants("the organization of a caller in a test"):
        member = Membership.objects.filter(user=person.user).first()
    return member.organization_id if member is not None else make_organization(make_person("Owner"))


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
    """With a sample body and query, a fresh Idempotency-Key where one is required, the person's own organization, and
    ids that name nothing unless `owned`; whatever is given replaces its part, a query one by one, and headers named in `without` are not sent. The answer is checked
    against the documentation."""
    endpoint = operation.endpoint
    values = {found["name"]: _foreign(found["kind"]) for found in PATH_PARAMETER.finditer(operation.route)}
    if person is not None and endpoint.access.kind == "org" and "org_id" in values:
        values["org_id"] = str(org_id_of(person))
    values |= owned or {}
    sent = {"Idempotency-Key": new_id()} if endpoint.idempotency == "required" else {}
    if endpoint.body is not None:
        sent["Content-Type"] = "application/json"
        if content is None:
            content = body_of(operation, person)
    if endpoint.query is not None:
        required = {name: str(value) for name, value in sample(endpoint.query.model_json_schema()).items()}
        query = required | (query or {})
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


_COIN = {"amount": "1.00", "currency": "SLC"}
BODIES: dict[str, dict[str, object]] = {
    "DELETE users/me": {"password": PASSWORD},
    "DELETE auth/mfa/totp": {"password": PASSWORD},
    "POST ledger/periods": {"name": "1999", "starts_at": "1999-01-01T00:00:00Z", "ends_at": "2000-01-01T00:00:00Z"},
    "POST ledger/reports/jobs": {"report": "trial-balance", "format": "csv"},
    "POST ledger/rates": {"base": "USD", "quote": "EUR", "rate": "0.92"},
    "POST ledger/templates/<slug:template>/entries": {"currency": "USD", "amounts": {"amount": "1.00"}},
    "POST wallet/transfers": {"recipient": "nobody_here", "amount": _COIN},
    "POST wallet/spend": {"amount": _COIN},
    "POST wallet/spend/<uuid:entry_id>/refund": {"amount": _COIN},
}
"""Of an operation whose sample is well-formed and refused all the same: what somebody who may would send."""


MADE_BODIES: dict[str, Callable[[Person], dict[str, object]]] = {
    "POST auth/social/exchange": _social_code,
    "POST ledger/quarantine": lambda person: {**_entry_of(person), "reason": "Looks odd"},
}
"""Of an operation whose body names something that has to be there."""


def body_of(operation: Operation, person: Person | None = None) -> bytes:
    body = operation.endpoint.body
    if person is not None and str(operation) in MADE_BODIES:
        return json.dumps(MADE_BODIES[str(operation)](person)).encode()
    if str(operation) in BODIES:
        return json.dumps(BODIES[str(operation)]).encode()
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
