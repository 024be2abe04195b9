"""The client sees the application as a server would call it, inside the transaction of its test."""

from collections.abc import Iterable
from typing import Any

import orjson
import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection

from stoa.platform.testing.client import ApiClient, envelope

PARTS = {"message": "", "meta": {"request_id": "r"}, "timestamp": "2026-01-01T00:00:00.000Z"}
SUCCESS = {"success": True, "data": {"id": 1}, "error": None, **PARTS}
FAILURE = {
    "success": False,
    "data": None,
    "error": {"code": "VALIDATION_ERROR", "message": "", "details": {"fields": {"email": ["taken"]}}},
    **PARTS,
}


def answering(status: str, body: Any, seen: dict[str, Any]) -> Any:
    """A WSGI application that notes how it was called."""

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        seen.update(environ, body=environ["wsgi.input"].read())
        start_response(status, [("Content-Type", "application/json")])
        return [orjson.dumps(body)]

    return application


def test_json_goes_out_and_the_envelope_comes_back() -> None:
    seen: dict[str, Any] = {}
    answer = ApiClient(answering("201 Created", SUCCESS, seen)).send_json(
        "POST", "/api/v1/things", {"name": "x"}, Idempotency_Key="k1"
    )
    assert (answer.status, answer.success, answer.data, answer.code, answer.fields) == (201, True, {"id": 1}, "", {})
    assert (seen["REQUEST_METHOD"], seen["PATH_INFO"], seen["body"]) == ("POST", "/api/v1/things", b'{"name":"x"}')
    assert (seen["HTTP_IDEMPOTENCY_KEY"], seen["SERVER_NAME"]) == ("k1", "testserver")
    assert "HTTP_AUTHORIZATION" not in seen


def test_a_refusal_shows_its_code_and_its_fields() -> None:
    answer = ApiClient(answering("422 Unprocessable Content", FAILURE, {})).read("/api/v1/things", limit=3)
    assert (answer.status, answer.code, answer.fields) == (422, "VALIDATION_ERROR", {"email": ["taken"]})


@pytest.mark.parametrize(
    ("status", "body"),
    [("200 OK", FAILURE), ("500 Oops", SUCCESS), ("200 OK", {**SUCCESS, "error": {"code": "X"}})],
)
def test_an_envelope_that_contradicts_its_status_fails_the_test(status: str, body: dict[str, Any]) -> None:
    response = ApiClient(answering(status, body, {})).get("/api/v1/things")
    with pytest.raises(AssertionError, match="with success="):
        envelope(response)


def test_an_envelope_with_a_key_too_many_or_too_few_fails_the_test() -> None:
    for body in ({**SUCCESS, "extra": 1}, {key: value for key, value in SUCCESS.items() if key != "meta"}):
        with pytest.raises(TypeError):
            ApiClient(answering("200 OK", body, {})).read("/api/v1/things")


def test_signed_in_and_elsewhere_are_copies_of_the_caller() -> None:
    seen: dict[str, Any] = {}
    anonymous = ApiClient(answering("200 OK", SUCCESS, seen), headers={"X-Org-Id": "o1"})
    anonymous.bearer("t1").at("10.0.0.9").get("/")
    assert (seen["REMOTE_ADDR"], seen["HTTP_X_ORG_ID"]) == ("10.0.0.9", "o1")
    assert "HTTP_AUTHORIZATION" not in seen, "another address is another, anonymous caller"
    anonymous.bearer("t1").get("/")
    assert (seen["REMOTE_ADDR"], seen["HTTP_AUTHORIZATION"]) == ("127.0.0.1", "Bearer t1")
    seen.clear()
    anonymous.get("/")
    assert "HTTP_AUTHORIZATION" not in seen


def test_a_path_beyond_ascii_arrives_as_wsgi_spells_it() -> None:
    seen: dict[str, Any] = {}
    ApiClient(answering("200 OK", SUCCESS, seen)).get("/api/v1/café/привет")
    assert seen["PATH_INFO"].encode("latin-1").decode() == "/api/v1/café/привет"


@pytest.mark.django_db
def test_a_request_leaves_the_connection_and_transaction_of_its_test_alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE seen_by_the_test (number integer)")
    before = connection.connection
    ApiClient(get_wsgi_application()).get("/nowhere/at/all")
    assert connection.connection is before
    assert connection.in_atomic_block
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM seen_by_the_test")
        assert cursor.fetchone()[0] == 0


def test_after_a_request_django_closes_connections_again_as_in_production() -> None:
    ApiClient(answering("200 OK", SUCCESS, {})).get("/")
    for signal in (request_started, request_finished):
        assert close_old_connections in signal._live_receivers(sender=None)[0]
