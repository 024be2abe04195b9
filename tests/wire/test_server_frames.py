"""Server frames as clients see them: these bytes are the contract of `stoa.v1`."""

import pytest

from stoa.kit.ids import parse_id
from stoa.wire import server_frames as frames

ID = parse_id("0197c0de-0000-7000-8000-000000000001")
assert ID is not None


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (
            frames.Ready(user_id=ID, session_id=ID, expires_at="2026-01-01T00:00:00.000Z"),
            f'{{"op":"ready","user_id":"{ID}","session_id":"{ID}","expires_at":"2026-01-01T00:00:00.000Z"}}',
        ),
        (
            frames.Subscribed(channel="c", epoch="e", offset=1, recovered=True),
            '{"op":"subscribed","channel":"c","epoch":"e","offset":1,"recovered":true}',
        ),
        (
            frames.Event(
                channel="c", epoch="e", offset=2, id=ID, type="org.invite", at="now", request_id="r", data={"a": "\n"}
            ),
            (
                f'{{"op":"event","channel":"c","epoch":"e","offset":2,"id":"{ID}","type":"org.invite","at":"now",'
                '"request_id":"r","data":{"a":"\\n"}}'
            ),
        ),
        (frames.Refresh(expires_at="x"), '{"op":"refresh","expires_at":"x"}'),
        (frames.Unsubscribed(channel="c", reason="asked"), '{"op":"unsubscribed","channel":"c","reason":"asked"}'),
        (
            frames.ErrorFrame(code="C", message="m", about="ping"),
            '{"op":"error","code":"C","message":"m","about":"ping","channel":null}',
        ),
        (frames.Pong(), '{"op":"pong"}'),
    ],
)
def test_each_frame_is_one_line(frame: frames.ServerFrame, text: str) -> None:
    assert frames.encode(frame) == text
    assert "\n" not in text


def test_joined_frames_come_apart_again() -> None:
    joined = "\n".join([frames.encode(frames.Pong()), frames.encode(frames.Refresh(expires_at="x"))])
    assert [frame["op"] for frame in frames.split(joined)] == ["pong", "refresh"]
