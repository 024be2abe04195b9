"""UUIDs of version 7: the layout of RFC 9562, order by time, no collisions between threads and processes."""

import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa.kit.ids import new_id, new_uuid, parse_id


def test_version_and_variant() -> None:
    for _ in range(1_000):
        made = new_uuid()
        assert made.version == 7
        assert made.variant == uuid.RFC_4122


def test_the_first_48_bits_are_the_milliseconds_now() -> None:
    before = time.time_ns() // 1_000_000
    made = new_uuid()
    after = time.time_ns() // 1_000_000
    assert before <= made.int >> 80 <= after


def test_ids_sort_by_the_millisecond_they_were_made_in() -> None:
    made = []
    for _ in range(20):
        made.append(new_id())
        time.sleep(0.002)
    assert made == sorted(made)
    assert [uuid.UUID(one).int for one in made] == sorted(uuid.UUID(one).int for one in made)


def test_all_other_bits_are_random() -> None:
    """74 of them: each is seen both set and unset (a fixed node id collides between workers)."""
    fixed = 0xFFFF_FFFF_FFFF << 80 | 0xF << 76 | 0b11 << 62
    free = ~fixed & (1 << 128) - 1
    seen = [new_uuid().int for _ in range(400)]
    ones, zeros = 0, 0
    for value in seen:
        ones |= value
        zeros |= ~value
    assert free.bit_count() == 74
    assert ones & free == free
    assert zeros & free == free


def test_threads_and_processes_do_not_collide() -> None:
    program = "from stoa.kit.ids import new_id\nfor _ in range(5000): print(new_id())"
    with ThreadPoolExecutor(4) as pool:
        runs = [
            pool.submit(subprocess.check_output, [sys.executable, "-c", program], text=True, timeout=60)
            for _ in range(2)
        ]
        here = [one for ids in pool.map(lambda _: [new_id() for _ in range(2_500)], range(4)) for one in ids]
        made = here + [one for run in runs for one in run.result().split()]
    assert len(made) == 20_000
    assert len(set(made)) == 20_000


@given(value=st.uuids())
def test_the_canonical_form_in_either_case(value: uuid.UUID) -> None:
    assert parse_id(str(value)) == value
    assert parse_id(str(value).upper()) == value


@pytest.mark.parametrize(
    "form", ["{%s}", "urn:uuid:%s", " %s", "%s ", "%s\n", "%s\x00", "%sa", "-%s", "(%s)"], ids=repr
)
def test_other_spellings_are_not_ids(form: str) -> None:
    assert parse_id(form % new_id()) is None


@pytest.mark.parametrize(
    "text", ["", "0" * 32, "g" * 8 + "-0000-0000-0000-" + "0" * 12, "1", "é", "\ud800", "0" * 10**6]
)
def test_what_is_no_id(text: str) -> None:
    assert parse_id(text) is None
    assert parse_id(new_id().replace("-", "")) is None
    assert parse_id(new_id().replace("-", "‐")) is None


@given(text=st.text(max_size=60))
def test_any_text_is_an_id_or_none(text: str) -> None:
    parsed = parse_id(text)
    assert parsed is None or str(parsed) == text.lower()
