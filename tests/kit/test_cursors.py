"""A cursor opens only where it was made, for whom it was made, and unchanged."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa.kit.cursors import BadCursor, Position, read_cursor, sign_cursor

KEY = b"k" * 32
SCOPE = ("/api/v1/posts", "-created_at", "tag=a", "user-1", "org-1")
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

positions = st.lists(st.one_of(st.integers(), st.text(max_size=20)), max_size=4).map(tuple)
scopes = st.lists(st.text(max_size=8), max_size=5)


@given(position=positions, scope=scopes)
def test_there_and_back(position: Position, scope: list[str]) -> None:
    cursor = sign_cursor(position, scope=scope, key=KEY)
    assert read_cursor(cursor, scope=scope, key=KEY) == position
    assert set(cursor) <= set(ALPHABET)


@given(position=positions, scope=scopes, other=scopes)
def test_another_scope_does_not_open_it(position: Position, scope: list[str], other: list[str]) -> None:
    cursor = sign_cursor(position, scope=scope, key=KEY)
    if scope != other:
        with pytest.raises(BadCursor):
            read_cursor(cursor, scope=other, key=KEY)


@pytest.mark.parametrize(
    ("scope", "other"),
    [(("a", "b|c"), ("a|b", "c")), (("a", ""), ("a",)), (("a", "b"), ("b", "a")), (("ab",), ("a", "b"))],
)
def test_scopes_do_not_run_together(scope: tuple[str, ...], other: tuple[str, ...]) -> None:
    with pytest.raises(BadCursor):
        read_cursor(sign_cursor((1,), scope=scope, key=KEY), scope=other, key=KEY)


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(BadCursor):
        read_cursor(sign_cursor((1,), scope=SCOPE, key=b"x" * 32), scope=SCOPE, key=KEY)


def test_every_changed_character_is_noticed() -> None:
    """The last ones of base64 too, where several spellings decode to the same bytes."""
    cursor = sign_cursor(("2026-02-03T12:34:56.789Z", 17), scope=SCOPE, key=KEY)
    for index, was in enumerate(cursor):
        for character in ALPHABET:
            if character != was:
                with pytest.raises(BadCursor):
                    read_cursor(cursor[:index] + character + cursor[index + 1 :], scope=SCOPE, key=KEY)


def test_every_cut_and_every_addition_is_noticed() -> None:
    cursor = sign_cursor((1, "a"), scope=SCOPE, key=KEY)
    changed = [cursor[:length] for length in range(len(cursor))]
    changed += [cursor + more for more in ("=", "A", ".", " ", "\n", "." + cursor)] + [" " + cursor]
    for candidate in changed:
        with pytest.raises(BadCursor):
            read_cursor(candidate, scope=SCOPE, key=KEY)


@given(junk=st.one_of(st.text(), st.text(ALPHABET), st.binary().map(lambda data: data.decode("latin-1"))))
def test_junk_is_a_bad_cursor_and_nothing_worse(junk: str) -> None:
    with pytest.raises(BadCursor):
        read_cursor(junk, scope=SCOPE, key=KEY)


@pytest.mark.parametrize("junk", ["", ".", "A" * 1_000_000, "é.é", "\ud800", "\x00", "e30.AAAAAAAAAAAAAAAAAAAAAA"])
def test_chosen_junk(junk: str) -> None:
    with pytest.raises(BadCursor):
        read_cursor(junk, scope=SCOPE, key=KEY)


def test_an_unsigned_position_is_not_read() -> None:
    payload = base64.urlsafe_b64encode(b"[1]").rstrip(b"=").decode()
    genuine = sign_cursor((2,), scope=SCOPE, key=KEY)
    with pytest.raises(BadCursor):
        read_cursor(f"{payload}.{genuine.partition('.')[2]}", scope=SCOPE, key=KEY)
