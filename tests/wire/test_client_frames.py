"""Client frames: what is read, and that anything else is a BadFrame and never another exception."""

import json
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoa.wire.channels import KINDS, parse_channel
from stoa.wire.client_frames import (
    LARGEST_FRAME,
    Auth,
    BadFrame,
    ClientFrame,
    Ping,
    Presence,
    Subscribe,
    Typing,
    Unsubscribe,
    parse,
)
from stoa.wire.close_codes import Close, may_reconnect

ID = "0197c0de-0000-7000-8000-000000000001"
USER = f"user:{ID}"


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ('{"op":"auth","token":"t"}', Auth(token="t")),
        ('{"op":"auth","ticket":"t"}', Auth(ticket="t")),
        (f'{{"op":"subscribe","channel":"{USER}"}}', Subscribe(channel=USER)),
        (
            f'{{"op":"subscribe","channel":"{USER}","epoch":"e","offset":7}}',
            Subscribe(channel=USER, epoch="e", offset=7),
        ),
        (f'{{"op":"unsubscribe","channel":"{USER}"}}', Unsubscribe(channel=USER)),
        (f'{{"op":"typing","thread_id":"{ID}","is_typing":true}}', Typing(thread_id=UUID(ID), is_typing=True)),
        ('{"op":"presence","status":"away"}', Presence(status="away")),
        (b'{"op":"ping"}', Ping()),
    ],
)
def test_each_op_is_read(text: str | bytes, frame: ClientFrame) -> None:
    assert parse(text) == frame


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "BAD_FRAME"),
        ("[]", "BAD_FRAME"),
        ("null", "BAD_FRAME"),
        ('"auth"', "BAD_FRAME"),
        ("{", "BAD_FRAME"),
        (b"\xff\xfe", "BAD_FRAME"),
        ("[" * 5000, "BAD_FRAME"),
        ('{"op":"\ud800"}', "BAD_FRAME"),
        ("{}", "UNKNOWN_OP"),
        ('{"op":7}', "UNKNOWN_OP"),
        ('{"op":["auth"]}', "UNKNOWN_OP"),
        ('{"op":"publish"}', "UNKNOWN_OP"),
        ('{"op":"auth"}', "BAD_FRAME"),
        ('{"op":"auth","token":"a","ticket":"b"}', "BAD_FRAME"),
        ('{"op":"auth","token":""}', "BAD_FRAME"),
        ('{"op":"auth","token":1}', "BAD_FRAME"),
        ('{"op":"ping","extra":1}', "BAD_FRAME"),
        ('{"op":"subscribe"}', "BAD_FRAME"),
        ('{"op":"subscribe","channel":"user:1"}', "BAD_FRAME"),
        (f'{{"op":"subscribe","channel":"{USER}","offset":1}}', "BAD_FRAME"),
        (f'{{"op":"subscribe","channel":"{USER}","epoch":"e"}}', "BAD_FRAME"),
        (f'{{"op":"subscribe","channel":"{USER}","epoch":"e","offset":-1}}', "BAD_FRAME"),
        (f'{{"op":"subscribe","channel":"{USER}","epoch":"e","offset":1.0}}', "BAD_FRAME"),
        (f'{{"op":"subscribe","channel":"{USER}","epoch":"e","offset":true}}', "BAD_FRAME"),
        (f'{{"op":"subscribe","channel":"{USER}","epoch":"e","offset":{2**60}}}', "BAD_FRAME"),
        ('{"op":"typing","thread_id":"x","is_typing":true}', "BAD_FRAME"),
        (f'{{"op":"typing","thread_id":"{ID}","is_typing":1}}', "BAD_FRAME"),
        ('{"op":"presence","status":"invisible"}', "BAD_FRAME"),
        ('{"op":"ping","x":"' + "x" * LARGEST_FRAME + '"}', "FRAME_TOO_LARGE"),
    ],
)
def test_everything_else_is_refused_by_code(text: str | bytes, code: str) -> None:
    with pytest.raises(BadFrame) as refused:
        parse(text)
    assert refused.value.code == code


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5)


@settings(max_examples=150)
@given(st.one_of(st.text(), st.binary(), st.dictionaries(st.text(), JSON).map(json.dumps)))
def test_nothing_but_a_bad_frame_is_raised(text: str | bytes) -> None:
    with pytest.raises(BadFrame):
        parse(text)


def test_channels_have_one_spelling() -> None:
    for kind in KINDS:
        assert str(parse_channel(f"{kind}:{ID}")) == f"{kind}:{ID}"
    for name in ("", "user", "user:", ID, f"User:{ID}", f"user:{ID.upper()}", f"user:{ID} ", f"admin:{ID}"):
        assert parse_channel(name) is None, name


def test_close_codes_say_whether_to_come_back() -> None:
    assert [code.value for code in Close if may_reconnect(code)] == [3001, 3005, 3008, 3010, 3012, 3013]
    assert [code.value for code in Close if not may_reconnect(code)] == [3500, 3503, 3504, 3507]
