"""Values bound to their place, under keys that rotate."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa.runtime.config import current
from stoa.runtime.config.loader import load
from stoa.runtime.field_encryption import Place, Undecryptable, decrypt, encrypt, first_key_id

PLACE = Place("t", "c", "1")


def key(number: int) -> str:
    return base64.b64encode(bytes((number * 31 + index) % 256 for index in range(32))).decode()


@contextmanager
def configured(**environ: str) -> Iterator[None]:
    before = current.loaded()
    current.use(load(environ={"ENVIRONMENT": "test", **environ}, dotenv=None))
    try:
        yield
    finally:
        current.use(before)


@given(st.binary(max_size=200))
def test_what_was_encrypted_comes_back_and_never_looks_the_same(plain: bytes) -> None:
    one, two = encrypt(plain, PLACE), encrypt(plain, PLACE)
    assert one != two
    assert decrypt(one, PLACE) == decrypt(two, PLACE) == plain
    assert one.startswith(f"{first_key_id()}.")


@pytest.mark.parametrize("other", [Place("u", "c", "1"), Place("t", "d", "1"), Place("t", "c", "2")])
def test_a_value_moved_to_another_place_does_not_decrypt(other: Place) -> None:
    with pytest.raises(Undecryptable):
        decrypt(encrypt(b"1990-02-03", PLACE), other)


def test_places_cannot_be_confused_by_their_parts() -> None:
    assert Place("a", "b,c", "d").bytes != Place("a,b", "c", "d").bytes


@pytest.mark.parametrize("stored", ["", "derived", "derived.", "derived.AAAA", "derived.%%%", "nobody.AAAA", "ключ.A"])
def test_what_is_not_ours_is_refused_without_its_text(stored: str) -> None:
    with pytest.raises(Undecryptable) as refused:
        decrypt(stored, PLACE)
    assert refused.value.__cause__ is None


def test_a_changed_byte_is_noticed() -> None:
    with configured(FIELD_ENCRYPTION_KEYS=f"a:{key(1)}"):
        kid, _, text = encrypt(b"1990-02-03", PLACE).partition(".")
        sealed = bytearray(base64.urlsafe_b64decode(text))
        for index in range(len(sealed)):
            sealed[index] ^= 1
            with pytest.raises(Undecryptable):
                decrypt(f"{kid}.{base64.urlsafe_b64encode(sealed).decode()}", PLACE)
            sealed[index] ^= 1


def test_the_first_key_encrypts_all_decrypt_and_a_dropped_one_no_longer() -> None:
    with configured(FIELD_ENCRYPTION_KEYS=f"old:{key(1)}"):
        stored = encrypt(b"x", PLACE)
    with configured(FIELD_ENCRYPTION_KEYS=f"new:{key(2)}, old:{key(1)}"):
        assert decrypt(stored, PLACE) == b"x"
        assert encrypt(b"x", PLACE).startswith("new.")
    with configured(FIELD_ENCRYPTION_KEYS=f"new:{key(2)}"), pytest.raises(Undecryptable):
        decrypt(stored, PLACE)


def test_two_processes_without_keys_agree_and_the_first_key_does_not_lock_out_what_was_there() -> None:
    with configured(DJANGO_SECRET_KEY="one and the same secret of this house"):
        stored = encrypt(b"x", PLACE)
    with configured(DJANGO_SECRET_KEY="one and the same secret of this house", FIELD_ENCRYPTION_KEYS=f"a:{key(1)}"):
        assert decrypt(stored, PLACE) == b"x"
    with configured(DJANGO_SECRET_KEY="another secret, of another house"), pytest.raises(Undecryptable):
        decrypt(stored, PLACE)


def test_production_has_no_derived_key() -> None:
    production = {
        "ENVIRONMENT": "production",
        "DJANGO_SECRET_KEY": "Zq7-0pRk2vXw9LmT4bNc8yHs5dFg1jUe",
        "JWT_SECRET": "Aq7-1pRk2vXw9LmT4bNc8yHs5dFg1jUf",
        "AUDIT_KEY": "Wd4-8sKq1nZr6VbY3mPx0cHt7gJf2LeU",
        "DJANGO_ALLOWED_HOSTS": "api.example.org",
        "DATABASE_URL": "postgresql://stoa@db/stoa",
        "FIELD_ENCRYPTION_KEYS": f"a:{key(1)}",
    }
    with configured(DJANGO_SECRET_KEY=production["DJANGO_SECRET_KEY"]):
        stored = encrypt(b"x", PLACE)
    with configured(**production), pytest.raises(Undecryptable):
        decrypt(stored, PLACE)
