"""The forms a value may take in the environment, where everything is text."""

import re
from typing import Annotated

from pydantic import BeforeValidator

_SEPARATORS = re.compile(r"[,\s]+")
_RATE = re.compile(r"(\d{1,9})/(s|sec|second|m|min|minute|h|hour|d|day)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _words(value: object) -> object:
    return tuple(word for word in _SEPARATORS.split(value) if word) if isinstance(value, str) else value


def parse_switch(text: str) -> bool:
    """Raises ValueError."""
    word = text.strip().lower()
    if word in {"true", "1", "yes", "on"}:
        return True
    if word in {"false", "0", "no", "off"}:
        return False
    raise ValueError("one of true, false, 1, 0, yes, no, on, off")


def _boolean(value: object) -> object:
    return parse_switch(value) if isinstance(value, str) else value


def parse_rate(text: str) -> tuple[int, int]:
    """`120/min` as (120, 60): so many in so many seconds. Raises ValueError."""
    match = _RATE.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError("a rate such as 120/min: a whole number, a slash, and s, min, hour or day")
    return int(match[1]), _SECONDS[match[2][0]]


def _rate(value: object) -> object:
    if isinstance(value, str):
        parse_rate(value)
    return value


RATE_FORM = BeforeValidator(_rate)
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
"""A list; commas or spaces between."""
Switch = Annotated[bool, BeforeValidator(_boolean)]
Rate = Annotated[str, RATE_FORM]
