"""Times on the wire, and what a refusal carries."""

import copy
import pickle
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa.kit import errors
from stoa.kit.clock import isoformat, utc_now
from stoa.kit.errors import DomainError, Invalid, Kind, Limited

WIRE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_now_is_aware_and_utc() -> None:
    assert utc_now().utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 2, 3, 12, 34, 56, 789_999, UTC), "2026-02-03T12:34:56.789Z"),
        (datetime(2026, 2, 3, tzinfo=UTC), "2026-02-03T00:00:00.000Z"),
        (datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=4))), "2025-12-31T21:00:00.000Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000Z"),
    ],
)
def test_isoformat(moment: datetime, text: str) -> None:
    assert isoformat(moment) == text


def test_a_naive_moment_has_no_place_on_the_wire() -> None:
    with pytest.raises(ValueError, match="naive"):
        isoformat(datetime(2026, 2, 3))  # noqa: DTZ001


aware = st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001
    max_value=datetime(9998, 1, 1),  # noqa: DTZ001
    timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)


@given(moment=aware)
def test_any_moment_keeps_its_milliseconds(moment: datetime) -> None:
    text = isoformat(moment)
    assert WIRE.fullmatch(text)
    assert timedelta(0) <= moment - datetime.fromisoformat(text) < timedelta(milliseconds=1)


@given(one=aware, other=aware)
def test_the_texts_sort_as_the_moments_do(one: datetime, other: datetime) -> None:
    if isoformat(one) < isoformat(other):
        assert one < other


REFUSALS = [
    (errors.Malformed, "BAD_REQUEST", Kind.MALFORMED),
    (errors.Unauthenticated, "UNAUTHORIZED", Kind.UNAUTHENTICATED),
    (errors.Denied, "FORBIDDEN", Kind.DENIED),
    (errors.Missing, "NOT_FOUND", Kind.MISSING),
    (errors.Conflict, "CONFLICT", Kind.CONFLICT),
    (errors.Stale, "PRECONDITION_FAILED", Kind.STALE),
    (errors.Invalid, "VALIDATION_ERROR", Kind.INVALID),
    (errors.Limited, "RATE_LIMITED", Kind.LIMITED),
    (errors.Upstream, "UPSTREAM_ERROR", Kind.UPSTREAM),
    (errors.Unavailable, "UNAVAILABLE", Kind.UNAVAILABLE),
]


@pytest.mark.parametrize(("refusal", "code", "kind"), REFUSALS)
def test_codes_and_kinds(refusal: type[DomainError], code: str, kind: Kind) -> None:
    assert (refusal.code, refusal.kind) == (code, kind)
    assert refusal.message.endswith(".")


def test_each_kind_has_its_refusal() -> None:
    assert {kind for _, _, kind in REFUSALS} == set(Kind)


def test_what_a_refusal_carries() -> None:
    details = {"limit": 3}
    refused = Limited("Slow down.", details=details, retry_after_s=7)
    details["limit"] = 4
    assert (refused.text, str(refused), refused.details, refused.retry_after_s) == (
        "Slow down.",
        "Slow down.",
        {"limit": 3},
        7,
    )
    plain = Limited()
    assert (plain.text, plain.details, plain.retry_after_s) == (Limited.message, {}, None)


def test_invalid_names_its_fields() -> None:
    refused = Invalid({"address.city": ["too long"]})
    assert refused.details == {"fields": {"address.city": ["too long"]}}
    assert (refused.text, refused.retry_after_s) == ("Some fields are not valid.", None)


@pytest.mark.parametrize("refused", [Limited("Slow down.", details={"a": 1}, retry_after_s=7), Invalid({"a": ["b"]})])
def test_a_refusal_survives_the_way_out_of_a_worker(refused: DomainError) -> None:
    for twin in (copy.copy(refused), pickle.loads(pickle.dumps(refused))):
        assert type(twin) is type(refused)
        assert (twin.text, twin.details, twin.retry_after_s) == (refused.text, refused.details, refused.retry_after_s)
