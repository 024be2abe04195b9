"""Each failure that a route's declaration implies, produced by a real call, for every route there is or will be.

Refusals that only an app knows (a taken handle) are its own tests'. Every answer is compared with the documentation
by `call`, and `architecture.documented_statuses` asks at the end of the lanes what nobody produced."""

import ipaddress
from collections.abc import Callable, Iterator
from uuid import UUID

import httpx
import pytest

from stoa.apps.accounts.tests.factories import Person, make_person, make_session
from stoa.apps.organizations.services.organizations import suspend_organization
from stoa.apps.organizations.tests.factories import make_member, make_organization
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_id, new_uuid
from stoa.platform.http.endpoints import Endpoint
from stoa.platform.http.idempotency import slot_for
from stoa.platform.http.models import IdempotencyRecord
from stoa.platform.http.openapi import PATH_PARAMETER, names_org
from stoa.platform.sweeps.models import Heartbeat
from stoa.platform.testing.client import ApiClient, envelope
from stoa.runtime.config import current
from tests.platform.http.operations import Operation, call, operations, org_id_of, path_values_of, somebody_who_may

pytestmark = pytest.mark.django_db

KEY = "a-key-of-its-own"


def every(applies: Callable[[Endpoint], object]) -> pytest.MarkDecorator:
    """Parametrise over the operations of a kind."""
    kept = operations(applies)
    assert kept
    return pytest.mark.parametrize("operation", kept, ids=str)


@pytest.fixture
def caller(operation: Operation) -> Iterator[Person]:
    with somebody_who_may(operation.endpoint) as person:
        yield person


@every(lambda endpoint: endpoint.access.kind != "public")
def test_401_without_a_token_and_with_a_wrong_one(api: ApiClient, operation: Operation) -> None:
    for headers in ({}, {"Authorization": "Bearer not.a.token"}, {"Authorization": "Basic dTpw"}):
        answer = call(api, operation, None, headers=headers)
        assert (answer.status_code, envelope(answer).code) == (401, "UNAUTHORIZED")


@every(lambda endpoint: endpoint.access.kind == "staff")
def test_403_for_a_plain_member(api: ApiClient, operation: Operation) -> None:
    answer = call(api, operation, make_person())
    assert (answer.status_code, envelope(answer).code) == (403, "FORBIDDEN")


@every(lambda endpoint: endpoint.access.kind == "org")
def test_403_for_a_member_whose_role_lacks_the_permission(api: ApiClient, operation: Operation, caller: Person) -> None:
    org_id = org_id_of(caller)
    person, _ = make_member(org_id, "ORG_ADMIN", denied=[operation.endpoint.access.permission])
    answer = call(api, operation, person, owned=own_org(operation, org_id))
    assert (answer.status_code, envelope(answer).code) == (403, "FORBIDDEN")


@every(lambda endpoint: endpoint.access.kind == "org")
def test_404_in_an_organization_that_is_not_ones_own(api: ApiClient, operation: Operation, caller: Person) -> None:
    foreign = make_organization(make_person("Stranger"))
    answer = call(api, operation, caller, headers={"X-Org-Id": str(foreign)}, owned=own_org(operation, foreign))
    assert (answer.status_code, envelope(answer).code) == (404, "NOT_FOUND")


@every(lambda endpoint: endpoint.access.kind == "org" and endpoint.method != "GET")
def test_403_for_a_change_in_a_suspended_organization(api: ApiClient, operation: Operation, caller: Person) -> None:
    org_id = org_id_of(caller)
    suspend_organization(org_id=org_id, actor_id=caller.user.pk)
    answer = call(api, operation, caller, owned=own_org(operation, org_id))
    assert (answer.status_code, envelope(answer).code) == (403, "ORG_SUSPENDED")


@pytest.mark.parametrize(
    "operation",
    [each for each in operations(lambda endpoint: endpoint.access.kind == "org") if not names_org(each.route)],
    ids=str,
)
def test_409_for_somebody_of_two_organizations_who_names_none(
    api: ApiClient, operation: Operation, caller: Person
) -> None:
    other = make_organization(caller, "Stoa")
    answer = envelope(call(api, operation, caller))
    assert (answer.status, answer.code) == (409, "ORG_REQUIRED")
    assert {"id": str(other), "name": "Stoa"} in (answer.error or {})["details"]["organizations"]
    assert len((answer.error or {})["details"]["organizations"]) == 2


@every(lambda endpoint: endpoint.access.kind == "staff")
def test_403_for_staff_without_the_permission(api: ApiClient, operation: Operation) -> None:
    answer = call(api, operation, make_person(is_staff=True))
    assert (answer.status_code, envelope(answer).code) == (403, "FORBIDDEN")


def own_org(operation: Operation, org_id: UUID) -> dict[str, str]:
    return {"org_id": str(org_id)} if names_org(operation.route) else {}


@every(lambda endpoint: endpoint.body is not None)
def test_400_for_what_is_not_json(api: ApiClient, operation: Operation, caller: Person) -> None:
    for content in (b"{", b'{"a": 1, "a": 2}', b"\xff"):
        answer = call(api, operation, caller, content=content)
        assert (answer.status_code, envelope(answer).code) == (400, "BAD_REQUEST")


@every(lambda endpoint: endpoint.listed == "keyset")
def test_400_for_a_cursor_that_nobody_signed(api: ApiClient, operation: Operation, caller: Person) -> None:
    answer = call(api, operation, caller, query={"cursor": "bm9ib2R5"})
    assert (answer.status_code, envelope(answer).code) == (400, "BAD_REQUEST")


@every(lambda endpoint: endpoint.idempotency != "ignored")
@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "\x7f"], ids=["empty", "space", "long", "delete"])
def test_400_for_a_bad_key(api: ApiClient, operation: Operation, caller: Person, key: str) -> None:
    answer = call(api, operation, caller, headers={"Idempotency-Key": key})
    assert (answer.status_code, envelope(answer).code) == (400, "IDEMPOTENCY_KEY_INVALID")


@every(lambda endpoint: endpoint.body is not None)
def test_413_for_a_large_body(api: ApiClient, operation: Operation, caller: Person) -> None:
    limit = current.settings().max_body_bytes
    answer = call(api, operation, caller, content=b" " * (limit + 1))
    assert (answer.status_code, envelope(answer).code) == (413, "PAYLOAD_TOO_LARGE")
    assert call(api, operation, caller, content=b"[]".ljust(limit)).status_code == 422


@every(lambda endpoint: endpoint.body is not None)
def test_415_for_another_media_type(api: ApiClient, operation: Operation, caller: Person) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"):
        answer = call(api, operation, caller, headers={"Content-Type": kind})
        assert (answer.status_code, envelope(answer).code) == (415, "UNSUPPORTED_MEDIA_TYPE")


@every(lambda endpoint: endpoint.body is not None)
def test_422_for_an_unknown_field(api: ApiClient, operation: Operation, caller: Person) -> None:
    answer = envelope(call(api, operation, caller, content=b'{"no_such_field": 1}'))
    assert (answer.status, answer.code) == (422, "VALIDATION_ERROR")
    assert "no_such_field" in answer.fields


@every(lambda endpoint: endpoint.query is not None)
def test_422_for_an_unknown_parameter(api: ApiClient, operation: Operation, caller: Person) -> None:
    answer = envelope(call(api, operation, caller, query={"no_such_parameter": "1"}))
    assert (answer.status, answer.code) == (422, "VALIDATION_ERROR")
    assert "no_such_parameter" in answer.fields


@every(lambda endpoint: endpoint.idempotency == "required")
def test_400_without_the_key(api: ApiClient, operation: Operation, caller: Person) -> None:
    answer = call(api, operation, caller, without=("Idempotency-Key",))
    assert (answer.status_code, envelope(answer).code) == (400, "IDEMPOTENCY_KEY_REQUIRED")


@every(lambda endpoint: endpoint.idempotency != "ignored")
def test_422_for_a_key_used_with_another_body(api: ApiClient, operation: Operation, caller: Person) -> None:
    def used_before(request: httpx.Request) -> None:
        slot = slot_for(
            key=KEY,
            user_id=str(caller.user.pk),
            org_id=str(org_id_of(caller)) if operation.endpoint.access.kind == "org" else "",
            method=request.method,
            path=request.url.path,
            query=request.url.query.decode(),
            body=b"another",
        )
        IdempotencyRecord.objects.create(
            scope=slot.scope, fingerprint=slot.fingerprint, status=201, message="OK", data=b"{}"
        )

    api.event_hooks["request"] = [used_before]
    answer = call(api, operation, caller, headers={"Idempotency-Key": KEY})
    assert (answer.status_code, envelope(answer).code) == (422, "IDEMPOTENCY_MISMATCH")


@pytest.fixture
def tight(operation: Operation) -> Iterator[None]:
    """Every rate that the operation is under lets one request pass."""
    chosen = current.loaded()
    names = ["throttle_user_rate", "throttle_anon_rate", *(scope.setting for scope in operation.endpoint.limits)]
    changed = chosen.settings.model_copy(update=dict.fromkeys(names, "1/hour"))
    current.use(type(chosen)(changed, chosen.origins))
    yield
    current.use(chosen)


def one_too_many(api: ApiClient, operation: Operation, caller: Person | None) -> None:
    """Limits count before access and before the body is read: the first answer may be any but this one."""
    first = call(api, operation, caller)
    assert first.status_code != 429
    assert (first.headers["RateLimit-Limit"], first.headers["RateLimit-Remaining"]) == ("1", "0")
    # The first request may have ended their session, or closed their account.
    second = call(api, operation, caller and make_session(caller))
    assert (second.status_code, envelope(second).code) == (429, "RATE_LIMITED")
    assert 3590 < int(second.headers["Retry-After"]) <= 3600


@every(lambda endpoint: endpoint.default_limits or endpoint.limits)
def test_429_for_an_address(api: ApiClient, operation: Operation, tight: None) -> None:
    address = ipaddress.IPv6Address(new_uuid().bytes)  # one that no other run shares a Redis bucket with
    one_too_many(api.at(str(address)), operation, None)


@every(lambda endpoint: endpoint.default_limits and endpoint.access.kind != "public")
def test_429_for_a_person(api: ApiClient, operation: Operation, caller: Person, tight: None) -> None:
    one_too_many(api, operation, caller)


@every(lambda endpoint: endpoint.conditional == "write")
def test_412_for_another_version(api: ApiClient, operation: Operation, caller: Person) -> None:
    answer = call(
        api, operation, caller, headers={"If-Match": '"no-such-version"'}, owned=path_values_of(operation, caller)
    )
    assert (answer.status_code, envelope(answer).code) == (412, "PRECONDITION_FAILED")


@every(lambda endpoint: endpoint.conditional == "read")
def test_304_for_the_version_one_has(api: ApiClient, operation: Operation, caller: Person) -> None:
    owned = path_values_of(operation, caller)
    tag = call(api, operation, caller, owned=owned).headers["ETag"]
    assert call(api, operation, caller, headers={"If-None-Match": tag}, owned=owned).status_code == 304
    assert call(api, operation, caller, headers={"If-None-Match": '"other"'}, owned=owned).status_code == 200


@pytest.fixture
def worker(db: None) -> None:
    """One that beats: without any the system is not ready."""
    now = utc_now()
    Heartbeat.objects.create(process=new_uuid(), role="probe", slot=0, pid=1, started_at=now, beat_at=now)


@pytest.mark.usefixtures("worker")
@every(lambda endpoint: endpoint.method in {"GET", "DELETE"} and endpoint.status != 302)
def test_success_for_somebody_who_may(api: ApiClient, operation: Operation, caller: Person) -> None:
    answer = call(api, operation, caller, owned=path_values_of(operation, caller))
    assert (answer.status_code, envelope(answer).success) == (operation.endpoint.status, True)


@every(lambda endpoint: endpoint.status == 302)
def test_a_browser_is_sent_on(api: ApiClient, operation: Operation, caller: Person) -> None:
    answer = call(api, operation, None, owned=path_values_of(operation, caller))
    assert (answer.status_code, answer.content) == (302, b"")


WITH_PATH = [operation for operation in operations() if operation.has_path_values]


@pytest.mark.parametrize("operation", WITH_PATH, ids=str)
def test_404_for_an_id_that_names_nothing(api: ApiClient, operation: Operation, caller: Person) -> None:
    """In one's own organization; where the path names nothing else, the organization is not there."""
    names = {found["name"] for found in PATH_PARAMETER.finditer(operation.route)}
    owned = {"org_id": new_id()} if names == {"org_id"} else {}
    answer = call(api, operation, caller, owned=owned)
    assert (answer.status_code, envelope(answer).code) == (404, "NOT_FOUND")
