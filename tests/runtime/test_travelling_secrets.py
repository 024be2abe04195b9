"""Secrets that travel: computed again from a row, bound to purpose and row, worthless without the server's key."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from pydantic import SecretStr

from stoa.kit.ids import new_uuid
from stoa.runtime.config import current
from stoa.runtime.travelling_secrets import hash_of, make_code, make_token, matches, new_nonce, row_of

ROW = UUID("0198f3a0-7c1e-7d3a-9a55-2f7d3c1b9e10")


@pytest.fixture
def another_key() -> Iterator[None]:
    chosen = current.loaded()
    fields = {"django_secret_key": SecretStr("another-key-that-is-long-enough-as-well")}
    current.use(type(chosen)(chosen.settings.model_copy(update=fields), chosen.origins))
    yield
    current.use(chosen)


def made(**changes: object) -> tuple[str, str]:
    given = {"purpose": "reset", "row_id": ROW, "nonce": "0" * 32, **changes}
    return make_token(**given), make_code(**given)


def test_whoever_sends_it_computes_the_same_again() -> None:
    token, code = made()
    assert (token, code) == made()
    assert row_of(token) == ROW
    assert len(token) == 80
    assert len(code) == 6
    assert code.isdigit()


@pytest.mark.parametrize("change", [{"purpose": "verify"}, {"row_id": new_uuid()}, {"nonce": "1" * 32}])
def test_another_purpose_row_or_nonce_is_another_secret(change: dict[str, object]) -> None:
    assert made(**change)[0] != made()[0]
    assert made(**change)[1] != made()[1]


def test_a_token_of_another_purpose_or_row_does_not_fit() -> None:
    token, _ = made()
    stored = hash_of(token, purpose="reset", row_id=ROW)
    assert matches(token, stored, purpose="reset", row_id=ROW)
    assert not matches(token, stored, purpose="verify", row_id=ROW)
    assert not matches(token, stored, purpose="reset", row_id=new_uuid())
    assert not matches(f"{token[:-1]}{'A' if token[-1] != 'A' else 'B'}", stored, purpose="reset", row_id=ROW)
    assert not matches("", stored, purpose="reset", row_id=ROW)
    assert not matches("ж", stored, purpose="reset", row_id=ROW)


def test_the_hash_of_a_code_cannot_be_searched_without_the_key(another_key: None) -> None:
    """A million plain hashes take a second; ours depend on a key that is not in the database."""
    searched = hash_of("000000", purpose="otp", row_id=ROW)
    current_key = current.loaded()
    assert len(searched) == 64
    fields = {"django_secret_key": SecretStr("a-third-key-that-is-long-enough-as-well")}
    current.use(type(current_key)(current_key.settings.model_copy(update=fields), current_key.origins))
    assert hash_of("000000", purpose="otp", row_id=ROW) != searched


@pytest.mark.parametrize("text", ["", ".", "x.y", f"{ROW}.", f".{ROW}", str(ROW), f"{ROW}.ж", "\x00.a"])
def test_what_is_no_token_names_no_row(text: str) -> None:
    assert row_of(text) is None


def test_codes_keep_their_leading_zeros_and_nonces_differ() -> None:
    codes = {make_code(purpose="otp", row_id=ROW, nonce=str(number)) for number in range(200)}
    assert {len(code) for code in codes} == {6}
    assert any(code.startswith("0") for code in codes)
    assert len({new_nonce() for _ in range(100)}) == 100


def test_a_purpose_cannot_move_the_borders() -> None:
    with pytest.raises(ValueError, match="without"):
        make_token(purpose="a|b", row_id=ROW, nonce="")
