"""What made comparable backends answer 500: each is a clear refusal here, and changes nothing."""

import json
from wsgiref.util import setup_testing_defaults

import pytest

from stoa.apps.accounts.models import User
from stoa.apps.accounts.tests.factories import Person
from stoa.platform.testing.client import ApiClient, envelope
from stoa.project.wsgi import application
from tests.probe.models import Note

ECHO = {
    "text": "hello",
    "amount": {"amount": "12.50", "currency": "USD"},
    "at": "2026-02-03T12:34:56+03:00",
    "day": "2026-02-03",
    "ref": "0198f3a0-7c1e-7d3a-9a55-2f7d3c1b9e10",
}
JSON = {"Content-Type": "application/json"}


def echo(api: ApiClient, **changes: object) -> object:
    return envelope(api.post("/api/v1/probe/echo", json={**ECHO, **changes}))


def test_values_come_back_in_the_forms_of_the_contract(api: ApiClient) -> None:
    answer = envelope(api.post("/api/v1/probe/echo", json=ECHO))
    assert answer.status == 200
    assert answer.data == {**ECHO, "at": "2026-02-03T09:34:56.000Z"}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"\xff\xfe{}",
        b'{"text": NaN}',
        b'{"text": Infinity}',
        b'{"text": "a", "text": "b"}',
        b"[" * 100_000,
        b'{"text": ' + b"9" * 5000 + b"}",
        b"\xef\xbb\xbf{}",
        b"{}{}",
    ],
    ids=["cut", "empty", "utf16", "nan", "infinity", "twice", "deep", "digits", "bom", "two"],
)
def test_what_is_not_json_is_refused(api: ApiClient, body: bytes) -> None:
    answer = envelope(api.post("/api/v1/probe/echo", content=body, headers=JSON))
    assert (answer.status, answer.code) == ((422, "VALIDATION_ERROR") if not body else (400, "BAD_REQUEST"))


@pytest.mark.parametrize("body", ["[]", '"text"', "1", "null", "true"])
def test_another_json_value_where_an_object_is_expected(api: ApiClient, body: str) -> None:
    answer = envelope(api.post("/api/v1/probe/echo", content=body, headers=JSON))
    assert (answer.status, answer.fields) == (422, {"body": ["an object is expected"]})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", "a\x00b"),
        ("text", "\ud800"),
        ("text", ""),
        ("text", "   "),
        ("text", "x" * 201),
        ("text", 7),
        ("text", None),
        ("text", ["a"]),
        ("at", "2026-02-30T00:00:00Z"),
        ("at", "2026-02-03T12:34:56"),
        ("at", "0000-00-00T00:00:00Z"),
        ("at", 1_700_000_000),
        ("at", "0001-01-01T00:00:00+05:00"),
        ("at", "9999-12-31T23:59:59-05:00"),
        ("day", "2026-02-30"),
        ("day", "yesterday"),
        ("ref", "0198f3a07c1e7d3a9a552f7d3c1b9e10"),
        ("ref", "x" * 5000),
        ("ref", 1),
        ("amount", {"amount": 12.5, "currency": "USD"}),
        ("amount", {"amount": "12.505", "currency": "USD"}),
        ("amount", {"amount": "1.5", "currency": "JPY"}),
        ("amount", {"amount": "1.2345", "currency": "KWD"}),
        ("amount", {"amount": "NaN", "currency": "USD"}),
        ("amount", {"amount": "1e3", "currency": "USD"}),
        ("amount", {"amount": "10000000000000.01", "currency": "USD"}),
        ("amount", {"amount": "1" * 30, "currency": "USD"}),
        ("amount", {"amount": "١٢", "currency": "USD"}),
        ("amount", {"amount": "1.00", "currency": "usd"}),
        ("amount", {"amount": "1.00", "currency": "XXX"}),
        ("amount", {"amount": "1.00"}),
        ("amount", "1.00 USD"),
        ("amount", 10**30),
    ],
)
def test_a_bad_value_names_its_field(api: ApiClient, field: str, value: object) -> None:
    body = json.dumps({**ECHO, field: value})
    answer = envelope(api.post("/api/v1/probe/echo", content=body, headers=JSON))
    assert (answer.status, answer.code) == (422, "VALIDATION_ERROR")
    assert {name.partition(".")[0] for name in answer.fields} == {field}


def test_all_faults_are_told_at_once_with_their_paths(api: ApiClient) -> None:
    answer = envelope(api.post("/api/v1/probe/echo", json={"text": "", "surplus": 1}))
    assert answer.status == 422
    assert set(answer.fields) == {"text", "amount", "at", "day", "ref", "surplus"}


@pytest.mark.parametrize(
    ("amount", "currency"), [("0", "JPY"), ("1.500", "KWD"), ("-3.10", "SLC"), ("10000000000000.00", "USD")]
)
def test_money_keeps_its_currency_s_own_decimals(api: ApiClient, amount: str, currency: str) -> None:
    answer = envelope(api.post("/api/v1/probe/echo", json={**ECHO, "amount": {"amount": amount, "currency": currency}}))
    assert answer.data["amount"] == {"amount": amount, "currency": currency}


def test_text_is_stored_in_nfc(api: ApiClient) -> None:
    answer = envelope(api.post("/api/v1/probe/echo", json={**ECHO, "text": "Cafe\u0301"}))
    assert answer.data["text"] == "Caf\u00e9"


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", ""])
def test_another_media_type_is_refused(api: ApiClient, content_type: str) -> None:
    answer = envelope(api.post("/api/v1/probe/echo", content=b"x=1", headers={"Content-Type": content_type}))
    assert (answer.status, answer.code) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_utf16_json_is_refused_by_its_charset(api: ApiClient) -> None:
    body, header = json.dumps(ECHO).encode("utf-16"), {"Content-Type": "application/json; charset=utf-16"}
    assert api.post("/api/v1/probe/echo", content=body, headers=header).status_code == 415


def test_a_body_over_the_limit_is_413(api: ApiClient) -> None:
    body = json.dumps({**ECHO, "text": "x" * 1_100_000})
    answer = envelope(api.post("/api/v1/probe/echo", content=body, headers=JSON))
    assert (answer.status, answer.code) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    "query",
    ["limit=-1", "limit=0", "limit=101", "limit=x", "limit=", "surplus=1", "limit=1&limit=2", "title=%00", "limit=9e9"],
)
def test_a_bad_query_is_422(api: ApiClient, member: Person, query: str) -> None:
    answer = envelope(api.get(f"/api/v1/probe/notes?{query}", headers=member.bearer))
    assert (answer.status, answer.code) == (422, "VALIDATION_ERROR")


@pytest.mark.parametrize("query", ["title=%ff%fe", "title=%ed%a0%80"])
def test_bytes_in_a_query_that_are_no_text_do_no_harm(api: ApiClient, member: Person, query: str) -> None:
    assert api.get(f"/api/v1/probe/notes?{query}", headers=member.bearer).status_code in {200, 422}


@pytest.mark.parametrize("path", ["/api/v1/probe/notes/not-a-uuid", "/api/v1/%ff%fe", "/api/v1/probe/notes/%00"])
def test_a_path_that_names_nothing_is_404(api: ApiClient, member: Person, path: str) -> None:
    assert envelope(api.get(path, headers=member.bearer)).code == "NOT_FOUND"


@pytest.mark.parametrize(
    "name",
    ["HTTP_AUTHORIZATION", "HTTP_ACCEPT", "HTTP_COOKIE", "HTTP_IF_NONE_MATCH", "HTTP_X_ORG_ID", "HTTP_X_REQUEST_ID"],
)
@pytest.mark.parametrize("value", ["\xff\xfe", "na\xc3\xafve", "\xc3(", "x" * 8000])
def test_a_header_that_is_not_ascii_is_no_500(db: None, name: str, value: str) -> None:
    assert status_of("/api/v1/users/me", {name: value}) == 401
    assert status_of("/api/v1/probe/fail", {name: value}) == 200


def status_of(path: str, headers: dict[str, str]) -> int:
    """By plain WSGI, where a header's bytes arrive as latin-1: httpx would refuse to send these."""
    environ: dict[str, object] = {}
    setup_testing_defaults(environ)
    statuses: list[str] = []
    environ |= {"PATH_INFO": path, "HTTP_HOST": "testserver", "REMOTE_ADDR": "127.0.0.1", **headers}
    body = application(environ, lambda status, *_: statuses.append(status))
    if hasattr(body, "close"):
        body.close()
    return int(statuses[-1][:3])


def test_a_second_create_of_the_same_is_a_conflict_and_changes_nothing(api: ApiClient, member: Person) -> None:
    body = {"title": "once", "amount": {"amount": "1.00", "currency": "USD"}}
    assert api.post("/api/v1/probe/notes", json=body, headers=member.bearer).status_code == 201
    answer = envelope(api.post("/api/v1/probe/notes", json=body, headers=member.bearer))
    assert (answer.status, answer.code) == (409, "TITLE_TAKEN")
    assert Note.objects.filter(owner_id=member.user.pk).count() == 1


@pytest.mark.parametrize("handle", ["ab", "UPPER", "x" * 31, "with space", "drop;table", "é", "a\nb", "abc\n"])
def test_a_refused_registration_leaves_nobody_behind(api: ApiClient, db: None, handle: str) -> None:
    before = User.objects.count()
    body = {"email": "a@example.org", "password": "a-long-passphrase", "name": "A", "handle": handle}
    assert api.post("/api/v1/auth/register", json=body).status_code == 422
    assert User.objects.count() == before


def test_a_refused_host_is_an_enveloped_400(api: ApiClient) -> None:
    answer = envelope(api.get("/api/v1/users/me", headers={"Host": "evil.example"}))
    assert answer.status in {400, 401}


def test_a_content_length_that_is_no_number(api: ApiClient) -> None:
    response = api.post("/api/v1/probe/echo", content=b"{}", headers={**JSON, "Content-Length": "abc"})
    assert envelope(response).code == "BAD_REQUEST"
