"""The outbox and the limits, without sockets."""

import pytest

from stoa.gateway.limits import Bucket, Places, address_key
from stoa.gateway.outbox import Outbox


def test_order_is_kept_over_partial_takes() -> None:
    outbox = Outbox(most_frames=10, most_bytes=100)
    for frame in (b"aaaa", b"bb", b"c"):
        assert outbox.put(frame)
    assert outbox.take(5) == (b"aaaa",)
    assert outbox.take(100) == (b"bb", b"c")
    assert (len(outbox), outbox.size) == (0, 0)


def test_a_frame_over_the_share_still_leaves() -> None:
    outbox = Outbox(most_frames=10, most_bytes=100)
    outbox.put(b"x" * 50)
    outbox.put(b"y")
    assert outbox.take(10) == (b"x" * 50,)


@pytest.mark.parametrize(("frames", "size"), [(3, 100), (100, 30)])
def test_ephemeral_frames_give_way_first_and_then_it_is_full(frames: int, size: int) -> None:
    outbox = Outbox(most_frames=frames, most_bytes=size)
    assert outbox.put(b"durable..1")
    assert outbox.put(b"ephemeral1", durable=False)
    assert outbox.put(b"durable..2")
    assert outbox.put(b"ephemeral2", durable=False)
    assert outbox.dropped == 1
    assert outbox.put(b"durable..3")
    assert outbox.dropped == 2
    assert not outbox.put(b"durable..4")
    assert outbox.take(100) == (b"durable..1", b"durable..2", b"durable..3")


def test_places_are_given_back() -> None:
    places = Places(2)
    assert [places.take("a") for _ in range(3)] == [True, True, False]
    assert places.take("b")
    places.give_back("a")
    assert places.take("a")


def test_bucket_lets_a_burst_in_and_makes_the_rest_wait() -> None:
    bucket = Bucket(per_s=10, burst=2)
    assert [bucket.take() for _ in range(3)] == [True, True, False]
    queue = Bucket(per_s=10, burst=1)
    waits = [queue.wait_s(0.25) for _ in range(5)]
    assert waits[0] == 0
    assert waits[1] == pytest.approx(0.1, abs=0.02)
    assert waits[2] == pytest.approx(0.2, abs=0.02)
    assert waits[3:] == [None, None]


def test_addresses_of_one_household_are_one() -> None:
    assert address_key("2001:db8:1:2:3::4") == address_key("2001:db8:1:2:ffff::1") != address_key("2001:db8:1:3::1")
    assert address_key("::ffff:192.0.2.1") == address_key("192.0.2.1")
    assert address_key("testclient") == "testclient"
