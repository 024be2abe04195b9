"""The one JSON shape, its bare form and problem documents; ids and headers on every answer."""

import re

import pytest

from stoa.apps.accounts.tests.factories import Person
from stoa.platform.testing.client import ApiClient, envelope
from stoa.runtime.config import current

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SECURITY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}

KINDS = {
    "malformed": (400, "BAD_REQUEST"),
    "unauthenticated": (401, "UNAUTHORIZED"),
    "denied": (403, "FORBIDDEN"),
    "missing": (404, "NOT_FOUND"),
    "conflict": (409, "CONFLICT"),
    "stale": (412, "PRECONDITION_FAILED"),
    "invalid": (422, "VALIDATION_ERROR"),
    "limited": (429, "RATE_LIMITED"),
    "upstream": (502, "UPSTREAM_ERROR"),
    "unavailable": (503, "UNAVAILABLE"),
}


def test_a_success_has_every_key_and_no_other(api: ApiClient) -> None:
    body = api.get("/api/v1/probe/fail").json()
    assert set(body) == {"success", "message", "data", "error", "meta", "timestamp"}
    assert body["success"] is True
    assert body["data"] == {"said": "no"}
    assert body["error"] is None
    assert set(body["meta"]) == {"request_id"}
    assert TIMESTAMP.fullmatch(body["timestamp"])


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_status_and_code(api: ApiClient, kind: str) -> None:
    response = api.get("/api/v1/probe/fail", params={"kind": kind})
    answer = envelope(response)
    assert (answer.status, answer.code) == KINDS[kind]
    assert answer.data is None
    assert set(answer.error or {}) == {"code", "message", "details"}
    assert answer.meta["request_id"] == response.headers["x-request-id"]


@pytest.mark.parametrize(("kind", "seconds"), [("limited", "7"), ("unavailable", "3")])
def test_a_refusal_says_when_to_come_back(api: ApiClient, kind: str, seconds: str) -> None:
    assert api.get("/api/v1/probe/fail", params={"kind": kind}).headers["retry-after"] == seconds


def test_an_unforeseen_failure_tells_its_id_and_nothing_of_itself(api: ApiClient) -> None:
    response = api.get("/api/v1/probe/crash", headers={"X-Request-ID": "find-me-7"})
    answer = envelope(response)
    assert (answer.status, answer.code) == (500, "INTERNAL_ERROR")
    assert answer.meta["request_id"] == "find-me-7"
    assert "hunter2" not in response.text
    assert "Unforeseen" not in response.text
    assert (answer.error or {})["details"] == {}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/probe/fail", 200),
        ("GET", "/api/v1/probe/crash", 500),
        ("GET", "/api/v1/nowhere", 404),
        ("GET", "/nowhere", 404),
        ("DELETE", "/api/v1/probe/fail", 405),
        ("GET", "/health", 200),
        ("POST", "/health", 405),
        ("GET", "/admin/", 302),
        ("GET", "/static/stoa/landing.css", 200),
        ("GET", "/", 200),
    ],
)
def test_ids_time_and_security_headers_are_on_every_answer(
    api: ApiClient, db: None, method: str, path: str, status: int
) -> None:
    response = api.request(method, path, headers={"X-Request-ID": "one.id_for-all"})
    assert response.status_code == status
    assert response.headers["x-request-id"] == response.headers["x-log-id"] == "one.id_for-all"
    assert float(response.headers["x-response-time-ms"]) >= 0
    assert {name: response.headers[name] for name in SECURITY} == SECURITY
    assert "content-security-policy" in response.headers


def test_a_preflight_carries_the_id(api: ApiClient) -> None:
    response = api.options(
        "/api/v1/auth/login",
        headers={"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST", "X-Log-Id": "pre1"},
    )
    assert response.headers["x-request-id"] == "pre1"
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("bad", ["a b", "x" * 65, "a\tb", "", "a|b", "a;b"])
def test_an_id_that_could_forge_a_line_is_replaced(api: ApiClient, bad: str) -> None:
    given = api.get("/health", headers={"X-Request-ID": bad}).headers["x-request-id"]
    assert given != bad
    assert re.fullmatch(r"[0-9a-f-]{36}", given)


@pytest.mark.parametrize("path", ["/api/v1/probe/fail/", "/api/v1/probe/fail///"])
def test_the_same_path_with_a_slash_is_served_without_a_redirect(api: ApiClient, path: str) -> None:
    assert api.get(path).status_code == 200
    assert api.post("/api/v1/auth/login/", json={}).status_code == 422


def test_the_schema_is_served_without_its_slash_too(api: ApiClient) -> None:
    assert api.get("/api/schema?format=json").json()["openapi"] == "3.1.0"


def test_the_raw_profile_gives_the_bare_payload(api: ApiClient) -> None:
    raw = {"Accept": "application/json;profile=raw"}
    assert api.get("/api/v1/probe/fail", headers=raw).json() == {"said": "no"}
    failure = api.get("/api/v1/probe/fail", params={"kind": "invalid"}, headers=raw)
    assert failure.status_code == 422
    assert failure.json() == {
        "code": "VALIDATION_ERROR",
        "message": "Some fields are not valid.",
        "details": {"fields": {"kind": ["because"]}},
    }


def test_a_raw_list_has_results_next_previous(api: ApiClient, member: Person) -> None:
    response = api.get("/api/v1/probe/notes", headers={**member.bearer, "Accept": 'application/json; profile="raw"'})
    assert response.json() == {"results": [], "next": None, "previous": None}


def test_a_failure_is_offered_as_a_problem_document(api: ApiClient) -> None:
    response = api.get(
        "/api/v1/probe/fail", params={"kind": "conflict"}, headers={"Accept": "application/problem+json"}
    )
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "about:blank",
        "title": "The request conflicts with the present state.",
        "status": 409,
        "code": "CONFLICT",
        "details": {},
        "request_id": response.headers["x-request-id"],
    }


@pytest.fixture
def switched(request: pytest.FixtureRequest) -> object:
    """Another configuration in force for one test, by the configuration's own seam."""
    chosen = current.loaded()
    changed = chosen.settings.model_copy(update=request.param)
    current.use(type(chosen)(changed, chosen.origins))
    yield changed
    current.use(chosen)


@pytest.mark.parametrize("switched", [{"enable_key_mirroring": True}], indirect=True)
def test_keys_are_mirrored_for_old_clients_but_never_over_the_envelope(
    api: ApiClient, switched: object, member: Person
) -> None:
    body = api.get("/api/v1/users/me", headers=member.bearer).json()
    assert body["handle"] == body["data"]["handle"] == member.user.handle
    assert body["success"] is True
    listed = api.get("/api/v1/probe/notes", headers=member.bearer).json()
    assert set(listed) == {"success", "message", "data", "error", "meta", "timestamp"}


@pytest.mark.parametrize("switched", [{"enable_response_enrichment": True}], indirect=True)
def test_enrichment_tells_version_and_duration(api: ApiClient, switched: object) -> None:
    meta = api.get("/api/v1/probe/fail").json()["meta"]
    assert set(meta) == {"request_id", "app_version", "duration_ms", "org_id"}
    assert meta["duration_ms"] > 0
    assert meta["org_id"] is None


def test_head_has_headers_and_no_body(api: ApiClient) -> None:
    response = api.head("/api/v1/probe/fail")
    assert response.status_code == 200
    assert response.content == b""


def test_405_names_what_is_allowed(api: ApiClient) -> None:
    response = api.put("/api/v1/users/me", json={})
    assert envelope(response).code == "METHOD_NOT_ALLOWED"
    assert response.headers["allow"] == "DELETE, GET, HEAD, PATCH"
