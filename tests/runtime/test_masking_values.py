"""What is masked and, as important, what is left alone."""

import time
from collections import namedtuple
from dataclasses import dataclass
from uuid import UUID

import pytest

from stoa.runtime.masking import MASK, is_secret_name, mask_arguments, mask_field, mask_text, mask_value


@pytest.mark.parametrize(
    "name",
    [
        "password", "PASSWORD", "PassWord", "password1", "new_password", "newPassword", "--password", "user.password",
        "token", "accessToken", "access_token", "tokens", "otp", "OTP_CODE", "national_code", "nationalCode",
        "National-Code", "secret", "client_secret", "Authorization", "HTTP_AUTHORIZATION", "cookie", "Set-Cookie",
        "api_key", "apiKey", "X-Api-Key", "APIKey", "API_KEYS", "refresh", "access", "card", "card[number]", "cvv",
        "cvv2", "pan", "card_pan", "cardPan", "cardPAN",
    ],
)  # fmt: skip
def test_a_secret_name_is_known_in_every_spelling(name: str) -> None:
    assert is_secret_name(name)
    assert mask_field(name, "x") == MASK


@pytest.mark.parametrize(
    "name",
    ["company", "Company", "japan", "expand", "cardinal", "discard", "accessory", "secretary", "key", "code",
     "national", "api", "monkey_code", "postcode", "tokenizer", "status", "path", "cooking", "span", ""],
)  # fmt: skip
def test_a_name_that_only_contains_one_is_not(name: str) -> None:
    assert not is_secret_name(name)
    assert mask_field(name, "x") == "x"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("login password=hunter2 ok", "login password=*** ok"),
        ("password: hunter2", "password: ***"),
        ("{'password': 'a b', 'n': 1}", "{'password': '***', 'n': 1}"),
        ('{"token": "abc", "n": 1}', '{"token": "***", "n": 1}'),
        ('{"token":"a\\"b,c","n":1}', '{"token":"***","n":1}'),
        ('{"otp":123456,"n":1}', '{"otp":***,"n":1}'),
        ('{"card": {"number": "41}11", "x": [1]}, "n": 1}', '{"card": ***, "n": 1}'),
        ('{"body": "{\\"token\\": \\"a\\\\\\"b\\"}"}', '{"body": "{\\"token\\": \\"***\\"}"}'),
        ("password=a, user=b; x", "password=***, user=b; x"),
        ("Login(password='x y', user='bob')", "Login(password='***', user='bob')"),
        ("api key: k-1", "api key: ***"),
        ("line\\npassword=x", "line\\npassword=***"),
        ("/login?next=%2Fa%3Ftoken%3Dabc%26b%3D1", "/login?next=%2Fa%3Ftoken%3D***%26b%3D1"),
        ("%7B%22token%22%3A%22abc%22%7D", "%7B%22token%22%3A%22***%22%7D"),
        ("GET /x?token=abc&page=2", "GET /x?token=***&page=2"),
        ("postgresql://app:p%40ss@db:5432/stoa", "postgresql://***@db:5432/stoa"),
        ("redis://:p@ss@127.0.0.1:6379/0", "redis://***@127.0.0.1:6379/0"),
        ("Authorization: Bearer abc.def\nHost: x", "Authorization: ***\nHost: x"),
        ("Authorization: Basic dXNlcjpwYXNz, more", "Authorization: ***"),
        ("Cookie: a=1; sessionid=2\r\nHost: x", "Cookie: ***\r\nHost: x"),
        ("(b'authorization', b'Bearer abc')", "(b'authorization', b'***')"),
        ("sent bearer abc.def-1 on", "sent bearer *** on"),
        ("jwt eyJhbGciOi.eyJzdWIiOi.c2ln-_ end", "jwt *** end"),
        ("mail to john.doe+x@example.co.uk now", "mail to j***@e***.uk now"),
        ("mail=j@example.com", "mail=***@e***.com"),
        ("?mail=john%40example.com", "?mail=j***%40e***.com"),
        ("call +98 912 123 4567 now", "call +***67 now"),
        ("call 09121234567", "call ***67"),
        ("call ۰۹۱۲۱۲۳۴۵۶۷", "call ***۶۷"),
        ("call (415) 555-2671 or 415-555-2671", "call ***71 or ***71"),
        ("phone=9121234567", "phone=***67"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
         "-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----"),
    ],
)  # fmt: skip
def test_secrets_in_text(text: str, masked: str) -> None:
    assert mask_text(text) == masked
    assert mask_text(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "Invoice created", "GET /api/v1/users/me", "2026-02-03 12:34:56.789", "2026-02-03T12:34:56.789+03:30",
        "2026-02-03T12:34:56+0330", "at 1770122096 and 1770122096789", "0194f5a2-7c3e-7b1a-9c55-2f6d0a1b4e77",
        "01941234-5678-7123-8123-012345678901", "order 1234567890123 of 42", "0.1234567890123", "took 12.345678901 s",
        "10.0.0.12:54321", "192.168.100.200", "http://127.0.0.1:8000/health?page=2", "company=Acme span=3",
        "amount: 1000000000000", "a@b", "x == y", "File \"/app/token.py\", line 3, in refresh", "2001:0db8:85a3::7334",
        "version 20260203.1", "20260203-123456-0001",
    ],
)  # fmt: skip
def test_ordinary_text_is_the_same_object_afterwards(text: str) -> None:
    assert mask_text(text) is text or mask_text(text) == text


@dataclass
class _Login:
    user: str
    password: str


_Pair = namedtuple("_Pair", "user token")  # noqa: PYI024 - the untyped kind is what old code passes


class _Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("password=hunter2")


def test_secrets_at_any_depth_of_a_value() -> None:
    value = {
        "users": [{"deep": ({"Password": "x", "id": 7},)}, _Login("bob", "x"), _Pair("bob", "x")],
        b"cookie": b"x",
        "raw_headers": [[b"Host", b"h"], (b"Authorization", b"Bearer x")],
        "argv": ["login", "--token", "x", "-v"],
        "card": {"number": 1, "holder": ["x"]},
        "phone": 989121234567,
        "has_token": True,
        "refresh": None,
        "id": UUID(int=1),
        "bad": _Unprintable(),
        "error": ValueError("token=x"),
    }
    assert mask_value(value) == {
        "users": [
            {"deep": [{"Password": MASK, "id": 7}]},
            {"user": "bob", "password": MASK},
            {"user": "bob", "token": MASK},
        ],
        "cookie": MASK,
        "raw_headers": [["Host", "h"], ["Authorization", MASK]],
        "argv": ["login", "--token", MASK, "-v"],
        "card": MASK,
        "phone": "***67",
        "has_token": True,
        "refresh": None,
        "id": "00000000-0000-0000-0000-000000000001",
        "bad": "<_Unprintable: RuntimeError in __str__>",
        "error": "ValueError: token=***",
    }


def test_a_value_that_contains_itself_ends() -> None:
    endless: dict[str, object] = {"password": "hunter2"}
    endless["self"] = endless
    assert "hunter2" not in str(mask_value(endless))


def test_an_argument_behind_a_secret_name_is_hidden_whole() -> None:
    assert mask_arguments("wrong password %r for %s", ("a b, c", "bob")) == (MASK, "bob")
    assert mask_arguments("100%% api key: %s", ("a b",)) == (MASK,)
    assert mask_arguments("%(token)s %(n)d", {"token": "x", "n": 1}) == {"token": MASK, "n": 1}
    assert mask_arguments("%d of %s", (1, {"otp": 2})) == (1, {"otp": MASK})


@pytest.mark.parametrize(
    "text",
    ["a" * 200_000, "a-" * 100_000 + "@", "password=" * 20_000, '"token": "' * 20_000, "card: {" * 20_000,
     "1 " * 100_000, "+" + "1" * 200_000, "%40" * 60_000, "eyJa." * 40_000, "\\" * 200_000 + '"', "a@" * 100_000,
     "://" * 60_000, "bearer " * 30_000, "a.b@c." * 30_000, "'x'," * 50_000, "[" * 200_000 + "card:["],
)  # fmt: skip
def test_masking_hostile_text_takes_time_in_proportion_to_its_length(text: str) -> None:
    """200 kB in under two seconds; a quadratic pattern needs minutes."""
    started = time.process_time()
    mask_text(text)
    assert time.process_time() - started < 2
