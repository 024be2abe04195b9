"""What an e-mail and a handle are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa.apps.accounts.domain import candidate_handles, is_handle
from stoa.kit.email import canonical_email


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("Ann@Example.ORG", "ann@example.org"),
        ("  ann@example.org\n", "ann@example.org"),
        ("ａｎｎ＠example.org", "ann@example.org"),
        ("ANN@BÜCHER.example", "ann@bücher.example"),
        ("ann@bu\u0308cher.example", "ann@bücher.example"),
        ("\u212aate@example.org", "kate@example.org"),
    ],
)
def test_one_address_has_one_form(written: str, stored: str) -> None:
    assert canonical_email(written) == stored


@given(st.text())
def test_the_canonical_form_is_its_own(text: str) -> None:
    once = canonical_email(text)
    assert canonical_email(once) == once


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("abc", True),
        ("a_1", True),
        ("a" * 30, True),
        ("ab", False),
        ("a" * 31, False),
        ("Abc", False),
        ("a-b", False),
        ("abc\n", False),
        ("абв", False),
        ("a b", False),
        ("١٢٣", False),
    ],
)
def test_handles(text: str, valid: bool) -> None:
    assert is_handle(text) is valid


@given(st.text(), st.lists(st.from_regex(r"[0-9]{6}", fullmatch=True), max_size=3))
def test_every_candidate_is_a_handle(email: str, suffixes: list[str]) -> None:
    candidates = list(candidate_handles(email, iter(suffixes)))
    assert len(candidates) == len(suffixes)
    assert all(is_handle(candidate) for candidate in candidates)


def test_a_derived_handle_does_not_publish_the_address() -> None:
    assert next(candidate_handles("ann.smith+1984@example.org", iter(["123456"]))) == "annsmith_123456"
    assert next(candidate_handles("12@example.org", iter(["123456"]))) == "member_123456"
