"""Time: aware UTC inside, ISO-8601 with milliseconds and `Z` outside."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    return datetime.now(UTC)


def isoformat(moment: datetime) -> str:
    """`2026-02-03T12:34:56.789Z`. Raises ValueError for a naive datetime: its zone would be a guess."""
    if moment.tzinfo is None:
        raise ValueError("a naive datetime has no place on the wire")
    in_utc = moment.astimezone(UTC) if moment.utcoffset() else moment
    return in_utc.isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"
